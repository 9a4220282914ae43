import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import { compareCounters } from '../../jobs/compare-counters.ts'
import { expireHolds } from '../../jobs/expire-holds.ts'
import { isBursarError } from '../../src/errors.ts'
import { attemptBookings } from '../../src/ledger/queries/attempt-bookings.ts'
import { readSlotRow } from '../../src/ledger/slot-row.ts'
import { redisOf } from '../../src/runtime.ts'
import { childEnv } from '../helpers/child-env.ts'
import { compiled } from '../helpers/compiled.ts'
import { type Server, startRedis } from '../helpers/services/index.ts'
import { POLICY, type Rig, startRig, until } from '../integration/queue-rig.ts'

const CHILD = await compiled(new URL('./worker-child.ts', import.meta.url))
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** So tight that part of the load is refused: money that a lost slot forgot would be spent again. */
const TIGHT = POLICY.replace('usd: "500", per: hour', 'usd: "0.005", per: hour').replace(
  'ladder: standard, on_exhausted: park }\nbudgets',
  'ladder: standard, on_exhausted: refuse }\nbudgets',
)

let redis: Server
let rig: Rig
const children: ChildProcess[] = []
let draining: NodeJS.Timeout
afterEach(async () => {
  clearInterval(draining)
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rig.close()
  await redis.stop()
})

async function startChild(): Promise<void> {
  const env = { ...childEnv(), ...rig.env, DIES: 'never', PROVIDER_URL: rig.tap.url }
  const child = spawn(process.execPath, [CHILD], {
    ...{ cwd: ROOT, env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  await once(child.stdout, 'data')
}

/** Asks until there is an answer, or no money: under one job id, as whoever wants to pay once does. */
async function askUntilEnd(jobId: string): Promise<'answered' | 'refused'> {
  for (;;) {
    try {
      const messages = [{ role: 'user' as const, content: `say ${jobId}` }]
      await rig.client.run({ user: 'rich', model: 'auto', cache: false, jobId, messages })
      return 'answered'
    } catch (error) {
      if (isBursarError(error, 'BUDGET_EXHAUSTED')) return 'refused'
      if (!isBursarError(error) || !error.retryable) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

/** Callers that ask without a pause until `stop`. */
function keepAsking(callers: number) {
  let asked = 0
  let stopped = false
  const ends: string[] = []
  const caller = async () => {
    while (!stopped) ends.push(await askUntilEnd(`job-under-load-${asked++}`))
  }
  const all = Promise.all(Array.from({ length: callers }, caller))
  return {
    ends,
    async stop() {
      stopped = true
      await all
    },
  }
}

async function start(env: Record<string, string> = {}) {
  // A server that forgets: what production must not run, and what must not cost money all the same.
  redis = await startRedis({ args: ['--appendonly', 'no'] })
  rig = await startRig({
    policy: TIGHT,
    workers: false,
    env: { REDIS_URL: redis.url, HOLD_TTL_MS: '5000', ...env },
  })
  await Promise.all([startChild(), startChild()])
  draining = setInterval(() => void rig.drain().catch(() => {}), 50)
}

async function expectSound(): Promise<void> {
  const { runtime, sandbox } = rig
  await until(async () => {
    await expireHolds.run(runtime)
    const windows = await runtime.store.peek(await runtime.store.windows())
    return windows.every((window) => window?.heldNano === 0)
  })
  clearInterval(draining)
  await rig.drain()
  expect(await compareCounters(runtime.store, runtime.ledger)).toMatchObject({ differing: [] })
  let [bookedNano, unconfirmedNano, overrunNano] = [0, 0, 0]
  const booked = new Set<string>()
  for await (const one of attemptBookings(runtime.ledger)) {
    booked.add(one.attempt)
    bookedNano += one.bookedNano
    overrunNano += one.overrunNano
    if (one.status === 'unconfirmed') unconfirmedNano += one.bookedNano
  }
  const sent = new Set(rig.tap.calls.map(({ attempt }) => attempt))
  expect([...sent].filter((attempt) => !booked.has(attempt))).toEqual([])
  const { billedNano } = sandbox.stats()
  expect(bookedNano).toBeGreaterThanOrEqual(billedNano)
  expect(bookedNano - unconfirmedNano).toBeLessThanOrEqual(billedNano)
  for (const window of await runtime.store.peek(await runtime.store.windows())) {
    const { spentNano = 0, limitNano = 0 } = window ?? {}
    expect(spentNano).toBeLessThanOrEqual(limitNano + overrunNano)
  }
}

it('a Redis that restarts empty under load: nothing is lost, doubled or overspent', async () => {
  await start()
  const load = keepAsking(4)
  await until(async () => load.ends.length > 10)
  await redis.kill()
  await redis.restart()
  const before = load.ends.length
  await until(async () => load.ends.length > before + 10)
  await redis.kill()
  await redis.restart()
  await until(async () => load.ends.length > before + 20)
  await load.stop()
  expect((await readSlotRow(rig.runtime.ledger)).epoch).toBe(3)
  await expectSound()
})

it('a Redis that comes back as it was a while ago: nothing is lost, doubled or overspent', async () => {
  await start()
  const load = keepAsking(4)
  await until(async () => load.ends.length > 5)
  await redisOf(rig.runtime).commands.save()
  const saved = load.ends.length
  await until(async () => load.ends.length > saved + 8)
  await redis.kill()
  await redis.restart()
  await until(async () => load.ends.length > saved + 18)
  await load.stop()
  expect((await readSlotRow(rig.runtime.ledger)).epoch).toBe(2)
  await expectSound()
})
