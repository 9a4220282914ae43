import { z } from 'zod'
import { BursarError, messageOf } from '../../errors.ts'
import type { Outbox } from '../outbox.ts'
import { readOutboxEntry } from '../read-outbox.ts'
import { callScript, readReply, readUnavailable, type SlotCaller } from './caller.ts'
import { loadScript } from './load-script.ts'

const script = loadScript(new URL('./acknowledge.lua', import.meta.url))

const Acknowledge = z.tuple([z.literal('acknowledged')])
const SlotFields = z.object({
  epoch: z.coerce.number().int().min(1),
  state: z.enum(['open', 'closed']),
  acked: z.string(),
  trimmed: z.string(),
})
const Entries = z.array(z.tuple([z.string(), z.array(z.string())]))

const pairs = (flat: readonly string[]): Record<string, string> => {
  const fields: Record<string, string> = {}
  for (let i = 0; i < flat.length; i += 2) fields[flat[i] ?? ''] = flat[i + 1] ?? ''
  return fields
}

async function ask<T>(question: Promise<T>): Promise<T> {
  try {
    return await question
  } catch (cause) {
    throw new BursarError('STORE_UNAVAILABLE', `Redis did not answer: ${messageOf(cause)}`, {
      cause,
      retryable: true,
    })
  }
}

/** The slot's outbox, read with the connection of the caller. */
export function redisOutbox(caller: SlotCaller): Outbox {
  const { redis, keys } = caller
  return {
    async slot() {
      const raw = await ask(redis.hgetall(keys.slot))
      const parsed = SlotFields.safeParse(raw)
      if (!parsed.success || parsed.data.state !== 'open') return null
      const { epoch, acked, trimmed } = parsed.data
      return { epoch, acked, trimmed }
    },
    async read(afterId, limit) {
      const from = afterId === '0' ? '-' : `(${afterId}`
      const raw = await ask(redis.xrange(keys.out, from, '+', 'COUNT', limit))
      return Entries.parse(raw).map(([id, flat]) => readOutboxEntry(id, pairs(flat)))
    },
    async acknowledge(epoch, watermark) {
      const raw = await callScript({ ...caller, epoch: () => epoch }, script, { watermark })
      const closed = readUnavailable(raw)
      if (closed) return closed.outcome
      return readReply(script, Acknowledge, raw)[0]
    },
  }
}
