import { createRedisStore } from '../admission/redis/store.ts'
import { openLedger } from '../ledger/open.ts'
import { redisBackend } from '../queue/backend.ts'
import { checkRedis } from '../queue/check-redis.ts'
import { connectCommands, connectPatient } from '../queue/connection.ts'
import { openSlot } from '../queue/open-slot.ts'
import { redisShelf } from '../queue/published-policy.ts'
import { createChunkLog } from '../queue/streams/chunk-log.ts'
import { type Home, type HomeParts, slotLedger } from './home.ts'

/**
 * Connects to Redis and a migrated PostgreSQL, and opens the slot if it is new.
 * @throws {BursarError} REDIS_UNSUITABLE, STORE_UNAVAILABLE, SLOT_CLOSED, LEDGER_UNAVAILABLE, LEDGER_NOT_MIGRATED.
 */
export async function openRedisHome(
  { options, clock, logger, closers }: HomeParts,
  url: string,
  databaseUrl: string,
): Promise<Home> {
  const timeoutMs = options.REDIS_COMMAND_TIMEOUT_MS
  const commands = connectCommands({ url, name: 'bursar', timeoutMs })
  closers.push(() => commands.disconnect())
  for (const warning of (await checkRedis(commands)).warnings) logger.warn(warning)

  const ledger = await openLedger({ databaseUrl })
  closers.push(() => ledger.close())

  const prefix = options.BURSAR_PREFIX
  const virtual = clock.virtual ? { clock: () => clock.now() } : {}
  const store = await createRedisStore({ redis: commands, prefix, ...virtual })
  closers.push(() => store.close())
  await openSlot({ store, redis: commands, prefix, ledger: slotLedger(ledger) })

  const connection = connectPatient({ url, name: 'bursar-queue' })
  closers.push(() => connection.disconnect())

  return {
    store,
    ledger,
    backend: redisBackend(connection, options.BURSAR_QUEUE_PREFIX),
    chunks: createChunkLog(commands, logger),
    logs: null,
    shelf: redisShelf(commands, prefix),
    redis: { commands, connection },
  }
}
