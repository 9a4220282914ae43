import { z } from 'zod'
import type { LimitLine, WindowLine } from '../../src/admission/plan-lines.ts'
import { attemptMeta } from '../helpers/attempt-meta.ts'

/** What a child that lives on the journal says, line by line, and the small world that it lives in. */
const window = (key: string): WindowLine => ({
  key,
  startMs: 0,
  endMs: 4_102_444_800_000,
  limitNano: 1_000_000_000,
  marks: [],
})
export const WINDOWS = [window('company:ever'), window('acme:ever')]

export const LANES: LimitLine = { kind: 'concurrent', key: 'lanes', limit: 1_000_000 }

export const META = attemptMeta()

const Booking = z.object({ attempt: z.string(), delta: z.int(), windows: z.array(z.string()) })

export const LIFE = z.object({
  records: z.array(z.object({ kind: z.string(), key: z.string(), value: z.string() })),
  outbox: z.array(z.object({ seq: z.int(), id: z.string(), entry: z.string() })),
})

export const LineSchema = z.discriminatedUnion('say', [
  LIFE.extend({ say: z.literal('found'), at: z.enum(['opened', 'recovered']) }),
  z.object({ say: z.literal('recovered'), unconfirmed: z.int() }),
  z.object({ say: z.literal('lanes'), free: z.int() }),
  z.object({
    say: z.literal('ack'),
    attempt: z.string(),
    state: z.enum(['H', 'S', 'R']),
    nano: z.int(),
  }),
  z.object({
    say: z.literal('drained'),
    entries: z.array(Booking.extend({ id: z.string() })),
  }),
])
export type Line = z.infer<typeof LineSchema>
export type Found = Extract<Line, { say: 'found' }>
