import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { BursarError } from '../../errors.ts'
import { SafeInteger } from '../columns.ts'
import { type Ledger, rowsOf } from '../ledger.ts'

const count = SafeInteger.nullable()
const text = z.string().nullable()

/** One charge: a call, or a correction of what a call cost that was booked afterwards under a name. */
export const ExportRowSchema = z.object({
  kind: z.enum(['call', 'adjustment']),
  attempt: z.string(),
  job: text,
  /** Number of the correction; 0 = the call itself. */
  n: z.int(),
  status: text,
  ...{ tenant: text, user: text, tier: text },
  tags: z.record(z.string(), z.string()).nullable(),
  ...{ operation: text, urgency: text, modelRequested: text },
  ...{ model: text, servedModel: text, provider: text, serviceTier: text },
  /** UTC ms. A correction counts at the admission of its call, as in `usage`. */
  admittedAtMs: SafeInteger,
  bookedAtMs: SafeInteger,
  ...{ startedAtMs: count, endedAtMs: count },
  /** Five disjoint buckets; null = nobody knows what was used. */
  ...{ inputTokens: count, cachedInputTokens: count, cacheWriteTokens: count },
  ...{ outputTokens: count, reasoningTokens: count },
  costNano: SafeInteger,
  listNano: SafeInteger,
  overrunNano: SafeInteger,
  priceVersion: text,
  policyVersion: z.int().nullable(),
})
export type ExportRow = Readonly<z.infer<typeof ExportRowSchema>>

/** What is exported. */
export interface ExportQuestion {
  /** UTC ms, of admission; `toMs` does not count. */
  readonly fromMs: number
  readonly toMs: number
  /** `next` of the page before. */
  readonly after?: string
  /** Rows of one page, >= 1. */
  readonly limit: number
}

export interface ExportPage {
  readonly rows: readonly ExportRow[]
  /** null = this was the last page. */
  readonly next: string | null
}

/** The place behind a row: calls come first, then corrections, each by admission. */
type Cursor = Pick<ExportRow, 'kind' | 'admittedAtMs' | 'attempt' | 'n'>

/**
 * A page of charges in a fixed order, found by an index however many there are before it. Empty: there are none (any
 * more). @throws {BursarError} INVALID_ARGUMENT for a page that nobody gave; LEDGER_UNAVAILABLE.
 */
export async function exportPage(
  ledger: Pick<Ledger, 'db'>,
  question: ExportQuestion,
): Promise<ExportPage> {
  const start: Cursor = { kind: 'call', admittedAtMs: question.fromMs, attempt: '', n: 0 }
  const cursor = question.after === undefined ? start : readCursor(question.after)
  const rows = await pageOf(ledger, cursor, question)
  const last = rows.at(-1)
  if (last && rows.length === question.limit) return { rows, next: writeCursor(last) }
  if (cursor.kind === 'adjustment') return { rows, next: null }
  return { rows, next: writeCursor({ ...start, kind: 'adjustment' }) }
}

const pageOf = (
  ledger: Pick<Ledger, 'db'>,
  cursor: Cursor,
  question: ExportQuestion,
): Promise<ExportRow[]> =>
  cursor.kind === 'call' ? calls(ledger, cursor, question) : adjustments(ledger, cursor, question)

// The instant alone bounds the months that are looked into.
const calls = ({ db }: Pick<Ledger, 'db'>, { admittedAtMs, attempt }: Cursor, q: ExportQuestion) =>
  rowsOf(
    db,
    ExportRowSchema,
    sql`
      select 'call' as kind, attempt, job, 0 as n, status, tenant, user_id as "user", tier, tags,
        operation, urgency, model_requested as "modelRequested", model,
        served_model as "servedModel", provider, service_tier as "serviceTier",
        admitted_at_ms as "admittedAtMs", posted_at_ms as "bookedAtMs",
        started_at_ms as "startedAtMs", ended_at_ms as "endedAtMs", input_tokens as "inputTokens",
        cached_input_tokens as "cachedInputTokens", cache_write_tokens as "cacheWriteTokens",
        output_tokens as "outputTokens", reasoning_tokens as "reasoningTokens",
        cost_nano as "costNano", coalesce(list_nano, cost_nano) as "listNano",
        overrun_nano as "overrunNano", price_version as "priceVersion",
        policy_version as "policyVersion"
      from entries
      where admitted_at_ms >= ${admittedAtMs}::bigint and admitted_at_ms < ${q.toMs}::bigint
        and (admitted_at_ms, attempt) > (${admittedAtMs}::bigint, ${attempt}::text)
      order by admitted_at_ms, attempt limit ${q.limit}::int`,
  )

const adjustments = ({ db }: Pick<Ledger, 'db'>, cursor: Cursor, q: ExportQuestion) =>
  rowsOf(
    db,
    ExportRowSchema,
    sql`
      select 'adjustment' as kind, attempt, null as job, n, reason as status, tenant,
        user_id as "user", tier, tags, operation, urgency, model_requested as "modelRequested",
        model, null as "servedModel", provider, service_tier as "serviceTier",
        admitted_at_ms as "admittedAtMs", adjusted_at_ms as "bookedAtMs", null as "startedAtMs",
        null as "endedAtMs", null as "inputTokens", null as "cachedInputTokens",
        null as "cacheWriteTokens", null as "outputTokens", null as "reasoningTokens",
        cost_nano as "costNano", list_nano as "listNano", 0 as "overrunNano",
        price_version as "priceVersion", null as "policyVersion"
      from adjustments
      where admitted_at_ms >= ${cursor.admittedAtMs}::bigint and admitted_at_ms < ${q.toMs}::bigint
        and (admitted_at_ms, attempt, n)
          > (${cursor.admittedAtMs}::bigint, ${cursor.attempt}::text, ${cursor.n}::int)
      order by admitted_at_ms, attempt, n limit ${q.limit}::int`,
  )

const writeCursor = ({ kind, admittedAtMs, n, attempt }: Cursor): string =>
  `${kind}_${admittedAtMs}_${n}_${attempt}`

function readCursor(text: string): Cursor {
  const found = /^(call|adjustment)_(\d{1,15})_(\d{1,9})_(.*)$/s.exec(text)
  const [, kind, admittedAtMs, n, attempt = ''] = found ?? []
  if (kind === 'call' || kind === 'adjustment') {
    return { kind, admittedAtMs: Number(admittedAtMs), n: Number(n), attempt }
  }
  throw new BursarError('INVALID_ARGUMENT', 'this page is unknown: pass `next` of the page before')
}
