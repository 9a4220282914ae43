import { z } from 'zod'
import { BursarError } from '../errors.ts'
import {
  AttemptMetaSchema,
  OUTCOMES,
  type OutboxEntry,
  POSTING_KINDS,
  RequestMetaSchema,
  SettleDetailSchema,
} from './outbox.ts'

const int = z.int()
const json = z.string().transform((text, ctx) => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    ctx.addIssue({ code: 'custom', message: 'is not JSON' })
    return z.NEVER
  }
})
const optional = <T extends z.ZodType>(schema: T) =>
  z.union([z.literal('').transform(() => null), json.pipe(schema)])

const word = z.string().min(1)
const Entry = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('posting'),
    attempt: word,
    epoch: int,
    rev: int,
    kind: z.enum(POSTING_KINDS),
    job: word,
    n: int,
    deltaNano: int,
    bookedNano: int,
    holdNano: int,
    overrunNano: int,
    rung: int,
    outputCapTokens: int,
    admittedAtMs: int,
    postedAtMs: int,
    outcome: z.union([z.literal('').transform(() => null), z.enum(OUTCOMES)]),
    windows: z.array(word),
    meta: optional(AttemptMetaSchema),
    detail: optional(SettleDetailSchema),
  }),
  z.strictObject({
    type: z.literal('request'),
    job: word,
    outcome: z.enum(OUTCOMES),
    reason: z.string(),
    postedAtMs: int,
    meta: json.pipe(RequestMetaSchema),
    // Absent in entries of earlier versions.
    savedNano: int.min(0).default(0),
  }),
  z.strictObject({
    type: z.literal('threshold'),
    window: word,
    percent: int,
    spentNano: int,
    limitNano: int,
    postedAtMs: int,
  }),
])

/** One outbox entry as the slot keeps it: `meta` and `detail` are JSON texts, '' where there is none. */
export type RawOutboxEntry = z.input<typeof Entry>

/**
 * Turns one entry of the slot into its type.
 * @throws {BursarError} UNREADABLE_REPLY with the entry's id: nothing after it may be drained before it is understood.
 */
export function readOutboxEntry(id: string, raw: unknown): OutboxEntry {
  const parsed = Entry.safeParse(raw)
  if (parsed.success) return { id, ...parsed.data }
  const why = z.prettifyError(parsed.error)
  throw new BursarError('UNREADABLE_REPLY', `outbox entry ${id} cannot be read: ${why}`, {
    detail: { id },
  })
}
