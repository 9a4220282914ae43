import { hash } from 'node:crypto'
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

const RecordSchema = z.discriminatedUnion('is', [
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
/** One line of the journal. */
export type JournalRecord = z.infer<typeof RecordSchema>

const SUM_DIGITS = 16
const sumOf = (text: string): string => hash('sha256', text, 'hex').slice(0, SUM_DIGITS)

/** One line: checksum, blank, JSON. */
export function writeLine(record: JournalRecord): string {
  const text = JSON.stringify(record)
  return `${sumOf(text)} ${text}\n`
}

/** What a file has, as far as it can be trusted. */
export interface ReadJournal {
  readonly records: readonly JournalRecord[]
  /** Bytes of them; what follows is torn. */
  readonly bytes: number
  /** Something whole stands behind what cannot be read: the file was damaged, not torn. */
  readonly isDamaged: boolean
}

/** Reads lines up to the first that is torn: nobody ever acted upon that one. */
export function readLines(text: string): ReadJournal {
  const lines = text.split('\n')
  const records: JournalRecord[] = []
  let bytes = 0
  for (const [at, line] of lines.entries()) {
    const record = at === lines.length - 1 ? null : readLine(line)
    if (record === null) {
      const isDamaged = lines.slice(at + 1, -1).some((later) => readLine(later) !== null)
      return { records, bytes, isDamaged }
    }
    records.push(record)
    bytes += Buffer.byteLength(line) + 1
  }
  return { records, bytes, isDamaged: false }
}

function readLine(line: string): JournalRecord | null {
  const text = line.slice(SUM_DIGITS + 1)
  if (line.slice(0, SUM_DIGITS) !== sumOf(text) || line[SUM_DIGITS] !== ' ') return null
  return RecordSchema.parse(JSON.parse(text))
}
