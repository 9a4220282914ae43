import { setTimeout as pause } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { createRestorer, type SlotRestorer } from '../admission/redis/restore.ts'
import { maskAddress, type Options } from '../config/options.ts'
import type { MoveTarget } from '../embedded/moved-mark.ts'
import { BursarError } from '../errors.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { migrate } from '../ledger/migrate.ts'
import { openLedger } from '../ledger/open.ts'
import { redisBackend } from '../queue/backend.ts'
import { checkRedis, redisError } from '../queue/check-redis.ts'
import { connectCommands, connectPatient } from '../queue/connection.ts'
import { type PolicyShelf, redisShelf } from '../queue/published-policy.ts'
import { closeQueues, openQueues, type Queues } from '../queue/queues.ts'
import { claimDatabase, lookAtDatabase, type Occupancy } from './look-at-database.ts'
import { lookAtRedis, type RedisPlace } from './look-at-redis.ts'

/** Where a folder is moved to, by its addresses. */
export interface TargetAddresses {
  readonly redisUrl: string
  readonly databaseUrl: string
  readonly prefix: string
  readonly queuePrefix: string
}

/** A Redis that answers, and a database that is only looked at. */
export interface Target {
  readonly redis: Redis
  readonly shelf: PolicyShelf
  /** What could be better with this Redis. */
  readonly warnings: readonly string[]
  /** Looks what is there; `move`: the id of a move whose own things do not count. */
  look(move: string | null): Promise<Occupancy>
  /** Keeps the slot closed for this move, migrates the database and opens the queues. */
  claim(move: string, epoch: number): Promise<ClaimedTarget>
  close(): Promise<void>
}

export interface ClaimedTarget {
  readonly slot: SlotRestorer
  /** True when this very move had ended there: only the folder did not know. */
  readonly isOpen: boolean
  /** Migrated. */
  readonly ledger: Ledger
  readonly queues: Queues
  close(): Promise<void>
}

/** Reads the addresses out of the options. @throws {BursarError} INVALID_OPTIONS, naming what is missing. */
export function readAddresses(options: Options): TargetAddresses {
  const { REDIS_URL: redisUrl, DATABASE_URL: databaseUrl } = options
  if (!redisUrl || !databaseUrl) {
    throw new BursarError(
      'INVALID_OPTIONS',
      'set REDIS_URL and DATABASE_URL to where the data shall go, e.g. redis://127.0.0.1:6379 and postgres://bursar@127.0.0.1:5432/bursar',
    )
  }
  const { BURSAR_PREFIX: prefix, BURSAR_QUEUE_PREFIX: queuePrefix } = options
  return { redisUrl, databaseUrl, prefix, queuePrefix }
}

/** The addresses as they may be shown and kept: without passwords. */
export const targetOf = (addresses: TargetAddresses): MoveTarget => ({
  redis: maskAddress(addresses.redisUrl),
  prefix: addresses.prefix,
  queuePrefix: addresses.queuePrefix,
  database: maskAddress(addresses.databaseUrl),
})

// One person waits for it, and a page of records is more than a command of the hot path.
const COMMAND_TIMEOUT_MS = 10_000
// Adding up a table takes longer than anything else the ledger is asked.
const STATEMENT_TIMEOUT_MS = 600_000

/**
 * Connects to the Redis of a target; changes nothing there.
 * @throws {BursarError} REDIS_UNSUITABLE, STORE_UNAVAILABLE.
 */
export async function openTarget(addresses: TargetAddresses): Promise<Target> {
  const { redisUrl: url, databaseUrl, prefix, queuePrefix } = addresses
  const redis = connectCommands({ url, name: 'bursar-move', timeoutMs: COMMAND_TIMEOUT_MS })
  try {
    const { warnings } = await checkRedis(redis)
    const connection = connectPatient({ url, name: 'bursar-move-queue' })
    const place = { redis, connection, prefix, queuePrefix }
    return {
      redis,
      warnings,
      shelf: redisShelf(redis, prefix),
      look: async (move) =>
        together(await lookAtRedis(place, move), await lookAtDatabase(databaseUrl, move)),
      claim: (move, epoch) => claim(place, databaseUrl, move, epoch),
      async close() {
        connection.disconnect()
        redis.disconnect()
      },
    }
  } catch (error) {
    redis.disconnect()
    throw error
  }
}

/** Either of them may have been reached by a move that ended early; neither may be somebody else's. */
function together(...sides: readonly Occupancy[]): Occupancy {
  const found = sides.flatMap((side) => (side.is === 'taken' ? side.found : []))
  if (found.length > 0) return { is: 'taken', found }
  return sides.some((side) => side.is === 'ours') ? { is: 'ours' } : { is: 'empty' }
}

async function claim(
  { redis, connection, prefix, queuePrefix }: RedisPlace,
  databaseUrl: string,
  move: string,
  epoch: number,
): Promise<ClaimedTarget> {
  const slot = createRestorer({ redis, prefix, move, epoch })
  const claimed = await alone(redis, prefix, move, () => slot.claim())
  if (claimed === 'taken') throw notEmpty([`the key ${prefix}:slot in Redis`])
  await migrate(databaseUrl)
  await claimDatabase(databaseUrl, move)
  const ledger = await openLedger({
    databaseUrl,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    applicationName: 'bursar-move',
  })
  const queues = openQueues(redisBackend(connection, queuePrefix))
  const close = async () => {
    await closeQueues(queues)
    await ledger.close()
  }
  return { slot, ledger, queues, isOpen: claimed === 'open', close }
}

const LOCK_MS = 30_000
const LOOK_AGAIN_MS = 100

/**
 * Under the lock that processes open a new slot with: one of them may be doing so right now. A move that died with the
 * lock in hand is the same move, which goes on.
 */
async function alone<T>(
  redis: Redis,
  prefix: string,
  move: string,
  work: () => Promise<T>,
): Promise<T> {
  const lock = `${prefix}:opening`
  try {
    while ((await redis.set(lock, move, 'PX', LOCK_MS, 'NX')) !== 'OK') {
      if ((await redis.get(lock)) === move) break
      await pause(LOOK_AGAIN_MS)
    }
    const done = await work()
    // It may have run out meanwhile; then it is another's, who finds the slot claimed.
    if ((await redis.get(lock)) === move) await redis.del(lock)
    return done
  } catch (error) {
    throw redisError(error)
  }
}

/** @param found - one line each, for a person. */
export const notEmpty = (found: readonly string[]): BursarError =>
  new BursarError(
    'TARGET_NOT_EMPTY',
    `the target is not empty, so nothing was moved. There is:\n  ${found.join('\n  ')}\nStop what runs there. Then name an empty database in DATABASE_URL and names that nobody uses in BURSAR_PREFIX and BURSAR_QUEUE_PREFIX (such as {bursar-2}), or remove what is there if nobody needs it`,
    { detail: { found } },
  )
