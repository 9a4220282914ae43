import { Command, type Redis } from 'ioredis'
import { messageOf } from '../../errors.ts'
import type { ScriptFunction } from './load-script.ts'

/** For how long a server that refused functions is asked for scripts alone. */
const REFUSED_MS = 60_000

/** Until when, by `performance.now()`. */
const refused = new WeakMap<Redis, number>()

const isUnknown = (error: unknown): boolean => messageOf(error) === 'ERR Function not found'
const isThere = (error: unknown): boolean => messageOf(error).includes('already exists')
/** No such command, or no permission to use it: nothing has run. */
const isRefusal = (error: unknown): boolean => /^NOPERM|^ERR unknown command/.test(messageOf(error))
const isReply = (error: unknown): boolean => error instanceof Error && error.name === 'ReplyError'

/**
 * Runs a script as a function of Redis. A server that does not know it yet, because it is new or came back empty, is
 * taught it.
 * @returns its reply; null = this server has no functions for us, and nothing has run.
 * @throws ioredis's error when the server cannot be reached or the function fails.
 */
export async function callFunction(
  redis: Redis,
  { name, library }: ScriptFunction,
  words: readonly (string | number | Buffer)[],
): Promise<{ readonly reply: unknown } | null> {
  if ((refused.get(redis) ?? 0) > performance.now()) return null
  const call = async () => ({ reply: await send(redis, 'fcall', [name, ...words]) })
  try {
    return await call()
  } catch (error) {
    if (isRefusal(error)) return refuse(redis)
    if (!isUnknown(error)) throw error
  }
  return (await teach(redis, library)) ? call() : refuse(redis)
}

async function teach(redis: Redis, library: string): Promise<boolean> {
  try {
    await send(redis, 'function', ['LOAD', library])
    return true
  } catch (error) {
    if (!isReply(error)) throw error
    return isThere(error)
  }
}

function refuse(redis: Redis): null {
  refused.set(redis, performance.now() + REFUSED_MS)
  return null
}

/**
 * Written to the socket at once: what auto-pipelining saves by waiting for a turn's other commands, batches save
 * already, and Redis gets to work while the turn goes on (a fifth to a half more decisions a second; bench: admission).
 */
export const send = (
  redis: Redis,
  name: 'evalsha' | 'eval' | 'fcall' | 'function',
  words: readonly (string | number | Buffer)[],
): Promise<unknown> =>
  redis.sendCommand(new Command(name, [...words], { replyEncoding: 'utf8' })) as Promise<unknown>
