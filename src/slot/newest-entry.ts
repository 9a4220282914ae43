import { z } from 'zod'
import { slotKeys } from '../admission/keys.ts'
import { askNow } from '../admission/redis/ask.ts'
import type { LivesOptions } from '../admission/redis/lives.ts'
import { messageOf } from '../errors.ts'

const Fields = z.array(z.unknown())
const Id = z.string().regex(/^\d+-\d+$/)

/**
 * The id of the newest outbox entry that there ever was in this stream, drained or not; null = there was none.
 * @throws {BursarError} STORE_UNAVAILABLE.
 */
export async function newestEntry({ redis, prefix }: LivesOptions): Promise<string | null> {
  try {
    const { out } = slotKeys(prefix)
    const fields = Fields.parse(await askNow(redis, 'xinfo', ['STREAM', out]))
    return Id.parse(fields[fields.indexOf('last-generated-id') + 1])
  } catch (error) {
    if (/no such key/.test(messageOf(error))) return null
    throw error
  }
}
