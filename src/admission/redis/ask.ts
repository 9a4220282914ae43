import { Command, type Redis } from 'ioredis'
import { BursarError, messageOf } from '../../errors.ts'

/** Names the failure of a plain Redis command. @throws {BursarError} STORE_UNAVAILABLE. */
export async function ask<T>(question: Promise<T>): Promise<T> {
  try {
    return await question
  } catch (cause) {
    throw new BursarError('STORE_UNAVAILABLE', `Redis did not answer: ${messageOf(cause)}`, {
      cause,
      retryable: true,
    })
  }
}

/**
 * Writes one command to the socket at once. Auto-pipelining would put it beside commands of others, which a guarded
 * connection keeps waiting.
 * @returns the raw reply, texts as UTF-8. @throws {BursarError} STORE_UNAVAILABLE.
 */
export const askNow = (
  redis: Redis,
  name: string,
  words: readonly (string | number)[],
): Promise<unknown> =>
  ask(Promise.resolve(redis.sendCommand(new Command(name, [...words], { replyEncoding: 'utf8' }))))
