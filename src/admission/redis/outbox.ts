import { z } from 'zod'
import type { Outbox } from '../outbox.ts'
import { readOutboxEntry } from '../read-outbox.ts'
import { ask } from './ask.ts'
import { begin, callScript, readReply, readUnavailable, type SlotCaller } from './caller.ts'
import { loadScript } from './load-script.ts'
import { unpackEntry } from './read-entry.ts'

const script = loadScript(new URL('./acknowledge.lua', import.meta.url))

const Acknowledge = z.tuple([z.literal('acknowledged')])
/** "<open|closed> <epoch> <acked> <trimmed> <run>" (lib/slot.lua) */
const SlotText = z
  .string()
  .regex(/^(open|closed) [1-9]\d* \S+ \S+ \S*$/)
  .transform((text) => {
    const [state, epoch, acked = '0', trimmed = '0'] = text.split(' ')
    return { state, epoch: Number(epoch), acked, trimmed }
  })
const Entries = z.array(
  z.tuple([z.instanceof(Buffer), z.tuple([z.instanceof(Buffer), z.instanceof(Buffer)])]),
)

/** The slot's outbox, read with the connection of the caller. */
export function redisOutbox(caller: SlotCaller): Outbox {
  const { redis, keys } = caller
  return {
    async slot() {
      const parsed = SlotText.safeParse(await ask(redis.get(keys.slot)))
      if (!parsed.success || parsed.data.state !== 'open') return null
      const { epoch, acked, trimmed } = parsed.data
      return { epoch, acked, trimmed }
    },
    async read(afterId, limit) {
      const from = afterId === '0' ? '-' : `(${afterId}`
      const raw = await ask(redis.xrangeBuffer(keys.out, from, '+', 'COUNT', limit))
      return Entries.parse(raw).map(([id, [, packed]]) =>
        readOutboxEntry(id.toString('latin1'), unpackEntry(packed)),
      )
    },
    async acknowledge(epoch, watermark) {
      const theirs = { ...caller, epoch: () => epoch }
      const raw = await callScript(theirs, script, begin(theirs).text(watermark))
      const closed = readUnavailable(raw)
      if (closed) return closed.outcome
      return readReply(script, Acknowledge, raw)[0]
    },
  }
}
