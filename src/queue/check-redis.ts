import type { Redis } from 'ioredis'
import { BursarError, messageOf } from '../errors.ts'

/** What could be better, each with its mend; nothing in it stops the work. */
export interface RedisReport {
  readonly version: string
  readonly warnings: readonly string[]
}

const OLDEST_MAJOR = 7

/**
 * Looks whether a Redis can be trusted with money.
 * @throws {BursarError} REDIS_UNSUITABLE, with the mend, for a wrong password, a server before version 7 or one that
 * evicts keys; STORE_UNAVAILABLE when it does not answer.
 */
export async function checkRedis(redis: Redis): Promise<RedisReport> {
  const info = await ask(() => redis.info('server'))
  const version = /^redis_version:(\S+)/m.exec(info)?.[1] ?? '0'
  if (Number.parseInt(version, 10) < OLDEST_MAJOR) {
    throw unsuitable(`Redis ${version} is too old: run Redis ${OLDEST_MAJOR} or later`)
  }
  const memory = await ask(() => redis.info('memory'))
  const eviction = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? 'noeviction'
  if (eviction !== 'noeviction') {
    throw unsuitable(
      `Redis evicts keys (maxmemory-policy ${eviction}), and budgets would vanish with them: run CONFIG SET maxmemory-policy noeviction, and set it in redis.conf`,
    )
  }
  return { version, warnings: await durability(redis) }
}

async function durability(redis: Redis): Promise<string[]> {
  const persistence = await ask(() => redis.info('persistence'))
  if (!/^aof_enabled:1/m.test(persistence)) {
    return [
      'Redis keeps no append-only file: a restart loses what was spent since the last snapshot; run CONFIG SET appendonly yes',
    ]
  }
  // Managed services often forbid CONFIG; what cannot be read is not judged.
  const fsync = await redis.config('GET', 'appendfsync').catch(() => [])
  return String(Object.values(fsync).at(-1) ?? 'always') === 'always'
    ? []
    : [
        'Redis does not sync each write (appendfsync): a crash loses about a second of bookings; run CONFIG SET appendfsync always',
      ]
}

async function ask(command: () => Promise<string>): Promise<string> {
  try {
    return await command()
  } catch (error) {
    throw redisError(error)
  }
}

const WRONG_PASSWORD = /NOAUTH|WRONGPASS|invalid (username-)?password|AUTH failed|NOPERM/i

/** Names what a failing Redis command means; our own errors pass through. */
export function redisError(error: unknown): BursarError {
  if (error instanceof BursarError) return error
  const message = messageOf(error)
  if (WRONG_PASSWORD.test(message)) {
    return unsuitable(
      'Redis refuses the user or password: put the right ones into REDIS_URL (redis://user:password@host:6379)',
      error,
    )
  }
  return new BursarError(
    'STORE_UNAVAILABLE',
    `Redis does not answer (${message}): look whether it runs and whether REDIS_URL is right`,
    { cause: error, retryable: true },
  )
}

/** The same where the queue may as well be embedded. */
export function queueError(error: unknown): BursarError {
  if (error instanceof BursarError || WRONG_PASSWORD.test(messageOf(error)))
    return redisError(error)
  return new BursarError(
    'STORE_UNAVAILABLE',
    `the queue does not answer (${messageOf(error)}): look whether Redis runs and REDIS_URL is right or, embedded, at the disk of BURSAR_DATA`,
    { cause: error, retryable: true },
  )
}

const unsuitable = (message: string, cause?: unknown): BursarError =>
  new BursarError('REDIS_UNSUITABLE', message, { cause })
