import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import { BursarError } from '../../errors.ts'
import { migrate } from '../../ledger/migrate.ts'
import { redisError } from '../../queue/check-redis.ts'
import { connectCommands } from '../../queue/connection.ts'
import { createDatabase, dropDatabase } from './database.ts'

/** Where a replay lives: production's servers, but keys, a database and a folder of its own. */
export interface Workspace {
  readonly id: string
  readonly redisUrl: string
  readonly databaseUrl: string
  /** Of admission and of the queue; both begin with `{bursar-replay-<id>`. */
  readonly prefix: string
  readonly queuePrefix: string
  /** For the bill, the policy and the logs of the children. */
  readonly folder: string
  /** Removes all of it. Call it when nobody uses it any more. */
  remove(): Promise<void>
}

export interface Servers {
  readonly REDIS_URL?: string | undefined
  readonly DATABASE_URL?: string | undefined
}

const COMMAND_TIMEOUT_MS = 10_000
const SCAN_KEYS = 1_000

/**
 * Creates the workspace, with a migrated database.
 * @throws {BursarError} INVALID_OPTIONS, STORE_UNAVAILABLE, LEDGER_UNAVAILABLE; nothing is left behind then.
 */
export async function openWorkspace(servers: Servers): Promise<Workspace> {
  const { REDIS_URL: redisUrl, DATABASE_URL: serverUrl } = servers
  if (!redisUrl || !serverUrl) throw noServers()
  const id = randomBytes(4).toString('hex')
  const databaseName = `bursar_replay_${id}`
  await withRedis(redisUrl, (redis) => redis.ping())
  const databaseUrl = await createDatabase(serverUrl, databaseName)
  const folder = await mkdtemp(join(tmpdir(), `bursar-replay-${id}-`))
  const workspace: Workspace = {
    id,
    redisUrl,
    databaseUrl,
    prefix: `{bursar-replay-${id}}`,
    queuePrefix: `{bursar-replay-${id}-queue}`,
    folder,
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

const noServers = (): BursarError =>
  new BursarError(
    'INVALID_OPTIONS',
    'set REDIS_URL and DATABASE_URL to servers that may be used beside production, e.g. redis://127.0.0.1:6379 and postgres://bursar@127.0.0.1:5432/bursar: the replay keeps to keys and a database of its own',
  )
