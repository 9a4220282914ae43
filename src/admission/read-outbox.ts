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

const Fields = z.discriminatedUnion('t', [
  z.object({
    t: z.literal('posting'),
    attempt: z.string().min(1),
    epoch: int,
    rev: int,
    kind: z.enum(POSTING_KINDS),
    job: z.string(),
    n: int,
    delta: int,
    booked: int,
    hold: int,
    over: int,
    windows: z.string(),
    rung: int,
    cap: int,
    at: int,
    now: int,
    meta: optional(AttemptMetaSchema),
    detail: optional(SettleDetailSchema),
    outcome: z.enum(['', ...OUTCOMES]),
  }),
  z.object({
    t: z.literal('request'),
    job: z.string(),
    outcome: z.enum(OUTCOMES),
    reason: z.string(),
    now: int,
    meta: json.pipe(RequestMetaSchema),
  }),
  z.object({
    t: z.literal('threshold'),
    window: z.string(),
    percent: int,
    spent: int,
    limit: int,
    now: int,
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
  if (f.t === 'threshold') {
    const { window, percent, spent, limit, now } = f
    return {
      type: 'threshold',
      id,
      window,
      percent,
      spentNano: spent,
      limitNano: limit,
      postedAtMs: now,
    }
  }
  if (f.t === 'request') {
    const { job, outcome, reason, now, meta } = f
    return { type: 'request', id, job, outcome, reason, postedAtMs: now, meta }
  }
  return {
    type: 'posting',
    id,
    attempt: f.attempt,
    epoch: f.epoch,
    rev: f.rev,
    kind: f.kind,
    job: f.job,
    n: f.n,
    deltaNano: f.delta,
    bookedNano: f.booked,
    holdNano: f.hold,
    overrunNano: f.over,
    windows: f.windows === '' ? [] : f.windows.split('\n'),
    rung: f.rung,
    outputCapTokens: f.cap,
    admittedAtMs: f.at,
    postedAtMs: f.now,
    meta: f.meta,
    detail: f.detail,
    outcome: f.outcome === '' ? null : f.outcome,
  }
}
