import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Redis } from 'ioredis'
import { createRedisStore } from '../admission/redis/store.ts'
import { redisVectorStore } from '../cache/embeddings/redis-store.ts'
import { redisAnswers } from '../cache/invalidation/redis-answers.ts'
import { redisPrompts } from '../cache/warming/redis-prompts.ts'
import { openLedger } from '../ledger/open.ts'
import { redisBackend } from '../queue/backend.ts'
import { checkRedis } from '../queue/check-redis.ts'
import { connectCommands, connectPatient } from '../queue/connection.ts'
import { redisShelf } from '../queue/published-policy.ts'
import { createChunkLog } from '../queue/streams/chunk-log.ts'
import { createBook } from '../slot/book.ts'
import { evidenceAgainst } from '../slot/evidence.ts'
import { guardConnection } from '../slot/guard.ts'
import { createIntents } from '../slot/intents/intents.ts'
import { callsRoot } from '../slot/intents/root.ts'
import { createLife, type Life } from '../slot/life.ts'
import { lookAtServer } from '../slot/look.ts'
import { openNewSlot } from '../slot/open-slot.ts'
import { type Home, type HomeParts, slotLedger } from './home.ts'

/**
 * Connects to Redis and a migrated PostgreSQL, opens the slot if it is new, and waits for it while it is reopened.
 * @throws {BursarError} REDIS_UNSUITABLE, STORE_UNAVAILABLE, SLOT_CLOSED, LEDGER_UNAVAILABLE, LEDGER_NOT_MIGRATED.
 */
export async function openRedisHome(
  { options, clock, logger, closers }: HomeParts,
  url: string,
  databaseUrl: string,
): Promise<Home> {
  const prefix = options.BURSAR_PREFIX
  const timeoutMs = options.REDIS_COMMAND_TIMEOUT_MS
  const commands = connectCommands({ url, name: 'bursar', timeoutMs })
  closers.push(() => commands.disconnect())
  for (const warning of (await checkRedis(commands)).warnings) logger.warn(warning)

  const ledger = await openLedger({ databaseUrl })
  closers.push(() => ledger.close())

  const id = randomUUID()
  const intents = createIntents({ root: callsRoot(options.BURSAR_DATA), process: id, logger })
  closers.push(() => intents.close())
  await intents.takeLeft()
  const book = createBook((attempt) => intents.gone(attempt))
  const granted = (epoch: number) => [...intents.granted(epoch), ...book.attempts()]
  let life: Life | null = null
  const onLost = () => life?.nudge()
  const evidence = async (slot: Parameters<typeof evidenceAgainst>[0], redis: Redis) => {
    await intents.takeLeft()
    return evidenceAgainst(slot, { redis, prefix, ledger, granted })
  }
  guardConnection(
    commands,
    (redis) => lookAtServer(redis, { prefix, logger, evidence, onLost }),
    logger,
  )

  const virtual = clock.virtual ? { clock: () => clock.now() } : {}
  const store = await createRedisStore({ redis: commands, prefix, onLost, ...virtual })
  closers.push(() => store.close())
  await openNewSlot({ store, redis: commands, prefix, ledger: slotLedger(ledger) })
  const shelf = redisShelf(commands, prefix)
  const [role, holdTtlMs] = [`${hostname()}:${process.pid}`, options.HOLD_TTL_MS]
  const place = { redis: commands, prefix, store, ledger, shelf, book, intents }
  life = createLife({ ...place, process: id, logger, role, holdTtlMs })
  const opened = life
  closers.push(() => opened.close())
  await life.open()

  const connection = connectPatient({ url, name: 'bursar-queue' })
  closers.push(() => connection.disconnect())

  return {
    store,
    ledger,
    backend: redisBackend(connection, options.BURSAR_QUEUE_PREFIX),
    chunks: createChunkLog(commands, logger),
    vectorStore: redisVectorStore(commands, prefix),
    logs: null,
    shelf,
    answerShelf: redisAnswers(commands, prefix),
    promptShelf: redisPrompts(commands, prefix),
    life,
    intents,
    redis: { commands, connection },
  }
}
