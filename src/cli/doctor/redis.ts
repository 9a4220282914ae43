import type { Redis } from 'ioredis'
import { maskAddress, type Options } from '../../config/options.ts'
import { checkRedis } from '../../queue/check-redis.ts'
import { connectCommands } from '../../queue/connection.ts'
import { type Finding, ok, skipped, warn, wrong, wrongBy } from './finding.ts'

/** A Redis that the later checks may use; absent when it is not to be trusted. */
export interface RedisExam {
  readonly findings: readonly Finding[]
  readonly redis?: Redis
}

// One person waits for the answer: patience beyond what a command on the hot path may take.
const PATIENCE_MS = 3_000

const LATER = ['redis version', 'redis eviction', 'redis durability', 'redis password'] as const

/** Looks whether Redis is there and fit for money. The caller disconnects what it gets. */
export async function examineRedis({ REDIS_URL }: Options): Promise<RedisExam> {
  if (!REDIS_URL) {
    const mend = 'set REDIS_URL, e.g. redis://127.0.0.1:6379'
    return { findings: [wrong('redis', 'REDIS_URL is not set', mend), ...without('no Redis')] }
  }
  const redis = connectCommands({ url: REDIS_URL, name: 'bursar-doctor', timeoutMs: PATIENCE_MS })
  try {
    const report = await checkRedis(redis)
    return { redis, findings: healthy(REDIS_URL, report) }
  } catch (error) {
    redis.disconnect()
    return { findings: [wrongBy('redis', error), ...without('see redis')] }
  }
}

const without = (why: string): Finding[] => LATER.map((check) => skipped(check, why))

function healthy(url: string, report: Awaited<ReturnType<typeof checkRedis>>): Finding[] {
  const [version, eviction, durability] = LATER
  return [
    ok('redis', `answers at ${maskAddress(url)}`),
    ok(version, report.version),
    ok(eviction, 'noeviction'),
    ...(report.warnings.length === 0
      ? [ok(durability, 'every acknowledged write is kept')]
      : report.warnings.map((text) => ({ ...wrongBy(durability, text), state: 'warn' as const }))),
    judgePassword(url),
  ]
}

const LOCAL = /^(localhost|127\.|\[?::1|10\.|192\.168\.)/

/** A name without a dot is one of a private network, such as a compose service. */
export function judgePassword(url: string): Finding {
  const { password, hostname } = new URL(url)
  if (password !== '') return ok('redis password', 'set')
  if (LOCAL.test(hostname) || !hostname.includes('.')) {
    return ok('redis password', 'none, on a private address')
  }
  return warn(
    'redis password',
    `none, and ${hostname} is not a private address`,
    'set requirepass in Redis and put the password into REDIS_URL: who reaches the port can change budgets',
  )
}
