import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { createRedisStore } from '../../admission/redis/store.ts'
import { messageOf } from '../../errors.ts'
import { type Finding, ok, wrong } from './finding.ts'
import type { Trial } from './trial.ts'
import { LIVE_CHECKS } from './trials.ts'

const MEND = 'run workers and command line of one version, on a Redis 7 of their own'
// One page of SCAN and UNLINK stays well under a millisecond of Redis time.
const PAGE_KEYS = 500

/**
 * Runs the ten live checks in Redis, under a prefix of their own that is removed again. Existing keys are not touched.
 * @returns one finding per check, all of them even when the first fails.
 */
export async function validate(redis: Redis): Promise<Finding[]> {
  const prefix = `{bursar-doctor-${randomBytes(6).toString('hex')}}`
  const clock = { nowMs: Date.now() }
  const store = await createRedisStore({ redis, prefix, clock: () => clock.nowMs })
  try {
    await store.open(1)
    const findings: Finding[] = []
    for (const check of LIVE_CHECKS)
      findings.push(await tried(check.name, check.run, { store, clock }))
    return findings
  } finally {
    await store.close()
    await removeKeys(redis, prefix)
  }
}

async function tried(
  name: string,
  run: (trial: Trial) => Promise<void>,
  trial: Trial,
): Promise<Finding> {
  try {
    await run(trial)
    return ok(name, 'holds')
  } catch (error) {
    return wrong(name, messageOf(error), MEND)
  }
}

async function removeKeys(redis: Redis, prefix: string): Promise<void> {
  let cursor = '0'
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `${prefix}:*`, 'COUNT', PAGE_KEYS)
    if (keys.length > 0) await redis.unlink(...keys)
    cursor = next
  } while (cursor !== '0')
}
