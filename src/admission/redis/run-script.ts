import type { Redis } from 'ioredis'
import { messageOf } from '../../errors.ts'
import type { Script } from './load-script.ts'

/**
 * Runs a script by its digest, and by its text when the server does not know it yet.
 * @throws ioredis's error when the server cannot be reached or the script fails.
 */
export async function runScript(
  redis: Redis,
  script: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  try {
    return await redis.evalsha(script.sha, keys.length, ...keys, ...args)
  } catch (error) {
    if (!messageOf(error).startsWith('NOSCRIPT')) throw error
    return redis.eval(script.text, keys.length, ...keys, ...args)
  }
}
