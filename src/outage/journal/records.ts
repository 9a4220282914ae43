import { z } from 'zod'
import type { ConcludeCommand, Conclusion } from '../../admission/commands.ts'
import type { BookLeaseCommand } from '../../admission/lease-commands.ts'
import { OUTCOMES } from '../../admission/outbox.ts'

const nano = z.int()
const ms = z.int().min(0)

const conclusion: z.ZodType<Conclusion> = z.object({
  outcome: z.enum(OUTCOMES),
  reason: z.string(),
  result: z.string(),
  replyTo: z.string(),
  resultTtlMs: ms,
  hasBody: z.boolean().exactOptional(),
})

const booking: z.ZodType<BookLeaseCommand> = z.object({
  lease: z.string(),
  attempt: z.string(),
  job: z.string(),
  kind: z.enum(['settled', 'unconfirmed']),
  costNano: nano,
  atMs: ms,
  holdNano: nano,
  windows: z.array(z.string()),
  meta: z.string(),
  detail: z.string(),
  conclusion: conclusion.nullable(),
})

const row: z.ZodType<ConcludeCommand> = z.intersection(
  conclusion,
  z.object({ job: z.string(), meta: z.string() }),
)

/** One line of the journal of allowances. */
export const JournalRecordSchema = z.discriminatedUnion('is', [
  /** An allowance that may hold money from here on; written before the slot is asked for it. */
  z.object({
    is: z.literal('lease'),
    lease: z.string(),
    windows: z.array(z.string()),
    amountNano: nano,
  }),
  /** A call that may have been sent, as it is booked when nobody ever knows its end. Written before it is sent. */
  z.object({ is: z.literal('intent'), call: booking }),
  /** The same call as its end is known. */
  z.object({ is: z.literal('result'), call: booking }),
  /** The end of a request that nothing was called for. */
  z.object({ is: z.literal('row'), row }),
  /** Nothing more is spent from it. */
  z.object({ is: z.literal('stop'), lease: z.string() }),
])
export type JournalRecord = z.infer<typeof JournalRecordSchema>
