import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { migrate } from '../../ledger/migrate.ts'
import { redisError } from '../../queue/check-redis.ts'
import { connectCommands } from '../../queue/connection.ts'
import { createDatabase, dropDatabase } from './database.ts'
import type { Workspace } from './workspace-type.ts'

const COMMAND_TIMEOUT_MS = 10_000
const SCAN_KEYS = 1_000

/**
 * A workspace on servers that may be production's: keys, a migrated database and a folder of its own.
 * @throws {BursarError} STORE_UNAVAILABLE, LEDGER_UNAVAILABLE; nothing is left behind then.
 */
export async function openServerWorkspace(redisUrl: string, serverUrl: string): Promise<Workspace> {
  const id = randomBytes(4).toString('hex')
  const databaseName = `bursar_replay_${id}`
  await withRedis(redisUrl, (redis) => redis.ping())
  const databaseUrl = await createDatabase(serverUrl, databaseName)
  const folder = await mkdtemp(join(tmpdir(), `bursar-replay-${id}-`))
  const prefix = `{bursar-replay-${id}}`
  const queuePrefix = `{bursar-replay-${id}-queue}`
  const workspace: Workspace = {
    isEmbedded: false,
    folder,
    env: {
      REDIS_URL: redisUrl,
      DATABASE_URL: databaseUrl,
      BURSAR_PREFIX: prefix,
      BURSAR_QUEUE_PREFIX: queuePrefix,
    },
    contents: `keys ${prefix} and ${queuePrefix}, database ${databaseName}, folder ${folder}`,
    async remove() {
      await withRedis(redisUrl, (redis) => removeKeys(redis, `{bursar-replay-${id}*`))
      await dropDatabase(serverUrl, databaseName)
      await rm(folder, { recursive: true, force: true })
    },
  }
  try {
    await migrate(databaseUrl)
    return workspace
  } catch (error) {
    await workspace.remove()
    throw error
  }
}

async function removeKeys(redis: Redis, pattern: string): Promise<void> {
  let cursor = '0'
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_KEYS)
    if (keys.length > 0) await redis.unlink(...keys)
    cursor = next
  } while (cursor !== '0')
}

async function withRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = connectCommands({ url, name: 'bursar-replay', timeoutMs: COMMAND_TIMEOUT_MS })
  try {
    return await work(redis)
  } catch (error) {
    throw redisError(error)
  } finally {
    redis.disconnect()
  }
}
