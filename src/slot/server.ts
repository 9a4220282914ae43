import type { Redis } from 'ioredis'
import { z } from 'zod'
import { askNow } from '../admission/redis/ask.ts'

/** What a Redis server says of itself. */
export interface ServerWord {
  /** Drawn at each start; '' = it hides it. */
  readonly run: string
  /** Why it may lack writes that it acknowledged in an earlier run; null = it has all of them. */
  readonly doubt: string | null
}

const NEVER_PROMOTED = /^0+$/

/**
 * Whether a server that was started anew has all that it had acknowledged before. What cannot be told counts as lost.
 * @throws {BursarError} STORE_UNAVAILABLE.
 */
export async function askServer(redis: Redis): Promise<ServerWord> {
  const info = fieldsOf(z.string().parse(await askNow(redis, 'info', [])))
  return { run: info.get('run_id') ?? '', doubt: await doubtOf(redis, info) }
}

async function doubtOf(redis: Redis, info: ReadonlyMap<string, string>): Promise<string | null> {
  if (info.get('role') !== 'master') return `its role is ${info.get('role') ?? 'unknown'}`
  if (!NEVER_PROMOTED.test(info.get('master_replid2') ?? '')) return 'it was a replica before'
  if (info.get('aof_enabled') !== '1') return 'it keeps no append-only file'
  const fsync = await fsyncOf(redis)
  if (fsync === null) return 'its settings cannot be read'
  return fsync === 'always' ? null : `it syncs its writes ${fsync} (appendfsync)`
}

const Setting = z.tuple([z.literal('appendfsync'), z.string()])

/** @returns null when the server forbids CONFIG. */
async function fsyncOf(redis: Redis): Promise<string | null> {
  const reply = await askNow(redis, 'config', ['GET', 'appendfsync']).catch(() => null)
  const setting = Setting.safeParse(reply)
  return setting.success ? setting.data[1] : null
}

const fieldsOf = (info: string): ReadonlyMap<string, string> =>
  new Map(
    info.split('\r\n').flatMap((line) => {
      const at = line.indexOf(':')
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const]
    }),
  )
