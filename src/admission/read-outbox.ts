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

const int = z
  .string()
  .regex(/^-?\d+$/)
  .transform(Number)
  .pipe(z.int())
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

/** Space-separated words, named by the keys of their schema, in order. */
function words<S extends z.ZodRawShape>(shape: S) {
  const names = Object.keys(shape)
  const byName = (text: unknown) =>
    Object.fromEntries(`${text}`.split(' ').map((word, i) => [names[i] ?? i, word]))
  return z.preprocess(byName, z.strictObject(shape))
}

const word = z.string().min(1)
const PostingHead = words({
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
  outcome: z
    .union([z.literal('-'), z.enum(OUTCOMES)])
    .transform((outcome) => (outcome === '-' ? null : outcome)),
})
const Fields = z.discriminatedUnion('t', [
  z.object({
    t: z.literal('posting'),
    h: PostingHead,
    w: z.string(),
    m: optional(AttemptMetaSchema),
    d: optional(SettleDetailSchema),
  }),
  z.object({
    t: z.literal('request'),
    h: words({ job: word, outcome: z.enum(OUTCOMES), postedAtMs: int }),
    r: z.string(),
    m: json.pipe(RequestMetaSchema),
  }),
  z.object({
    t: z.literal('threshold'),
    h: words({ window: word, percent: int, spentNano: int, limitNano: int, postedAtMs: int }),
  }),
])

/**
 * Turns one stream entry into its type.
 * @throws {BursarError} UNREADABLE_REPLY with the entry's id: nothing after it may be drained before it is understood.
 */
export function readOutboxEntry(id: string, raw: Readonly<Record<string, string>>): OutboxEntry {
  const parsed = Fields.safeParse(raw)
  if (!parsed.success) {
    const why = z.prettifyError(parsed.error)
    throw new BursarError('UNREADABLE_REPLY', `outbox entry ${id} cannot be read: ${why}`, {
      detail: { id },
    })
  }
  const f = parsed.data
  if (f.t === 'threshold') return { type: 'threshold', id, ...f.h }
  if (f.t === 'request') return { type: 'request', id, ...f.h, reason: f.r, meta: f.m }
  const windows = f.w === '' ? [] : f.w.split('\n')
  return { type: 'posting', id, ...f.h, windows, meta: f.m, detail: f.d }
}
