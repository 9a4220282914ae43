import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import { accumulate } from '../cubes/accumulate.ts'
import { adjustmentFacts } from '../cubes/facts.ts'
import { type Ledger, rowsOf } from '../ledger.ts'
import { rowsJson } from '../rows.ts'
import { lockSlotRow } from '../slot-row.ts'

const tokens = SafeInteger

const PricedRow = z.object({
  attempt: z.string(),
  admittedAtMs: SafeInteger,
  model: z.string(),
  provider: z.string(),
  serviceTier: z.string().nullable(),
  usage: z.object({
    inputTokens: tokens,
    cachedInputTokens: tokens,
    cacheWriteTokens: tokens,
    outputTokens: tokens,
    reasoningTokens: tokens,
  }),
  /** With all adjustments so far, and how many those are. */
  ...{ costNano: SafeInteger, listNano: SafeInteger, adjusted: z.int() },
})
/** A call whose price can be worked out again: its answer and its usage are known. */
export type PricedCall = Readonly<z.infer<typeof PricedRow>>

export interface RepriceRange {
  readonly fromMs: number
  readonly toMs: number
  /** As on its ladder; absent = every one. */
  readonly model?: string
}

/** Where the page before ended. */
export type PricedPlace = Pick<PricedCall, 'admittedAtMs' | 'attempt'>

/**
 * A page of calls by their admission. What a person confirmed or waived, what was cut short and what nobody saw end is
 * not among them: no price says what those cost.
 * @throws {BursarError} LEDGER_UNAVAILABLE, here and below.
 */
export const pricedCalls = (
  { db }: Pick<Ledger, 'db'>,
  { fromMs, toMs, model }: RepriceRange,
  after: PricedPlace | null,
  limit: number,
): Promise<PricedCall[]> =>
  rowsOf(
    db,
    PricedRow,
    sql`
      select entry.attempt, entry.admitted_at_ms as "admittedAtMs", model, provider,
        service_tier as "serviceTier",
        json_build_object('inputTokens', input_tokens, 'cachedInputTokens', cached_input_tokens,
          'cacheWriteTokens', cache_write_tokens, 'outputTokens', output_tokens,
          'reasoningTokens', reasoning_tokens) as usage,
        cost_nano + coalesce(known.cost, 0)::bigint as "costNano",
        coalesce(list_nano, cost_nano) + coalesce(known.list, 0)::bigint as "listNano",
        coalesce(known.rows, 0)::int as adjusted
      from entries entry left join lateral (
        select sum(cost_nano) as cost, sum(list_nano) as list, count(*) as rows
        from adjustments where attempt = entry.attempt
      ) known on true
      where admitted_at_ms >= ${after?.admittedAtMs ?? fromMs}::bigint and admitted_at_ms < ${toMs}::bigint
        and (entry.admitted_at_ms, entry.attempt) > (${after?.admittedAtMs ?? fromMs}::bigint, ${after?.attempt ?? ''}::text)
        and status = 'confirmed' and seen = 'answer' and not coalesce(estimated, false)
        and input_tokens is not null and model is not null and provider is not null
        and (${model ?? null}::text is null or model = ${model ?? null}::text)
      order by entry.admitted_at_ms, entry.attempt limit ${limit}`,
  )

/** What one call is worth more or less. */
export interface Repricing {
  readonly call: PricedCall
  /** Change of the cost and of the list price; either sign. */
  readonly costNano: number
  readonly listNano: number
  readonly priceVersion: string
}

export interface RepricedBy {
  readonly by: string
  readonly atMs: number
}

const COLUMNS = sql.raw(
  `attempt, n, reason, cost_nano, list_nano, price_version, adjusted_by, adjusted_at_ms, admitted_at_ms,
   tenant, user_id, tier, tags, operation, urgency, model_requested, model, provider, service_tier`,
)

/**
 * Appends adjustments and adds them to the cubes, all or none. The posting, the entry and the counters stay as they are.
 * One that another process has appended meanwhile is left out.
 */
export const appendRepricings = (
  ledger: Ledger,
  repricings: readonly Repricing[],
  { by, atMs }: RepricedBy,
): Promise<void> =>
  ledger.transaction(async (tx) => {
    if (repricings.length === 0) return
    await lockSlotRow(tx)
    const rows = repricings.map(({ call, costNano, listNano, priceVersion }) => ({
      ...{ attempt: call.attempt, admitted_at_ms: call.admittedAtMs, n: call.adjusted + 1 },
      ...{ cost_nano: costNano, list_nano: listNano, price_version: priceVersion },
    }))
    const added = sql`
      adjustment_added as (
        insert into adjustments (${COLUMNS})
        select entry.attempt, given.n, 'reprice', given.cost_nano, given.list_nano, given.price_version,
          ${by}, ${atMs}::bigint, entry.admitted_at_ms, tenant, user_id, tier, tags, operation, urgency,
          model_requested, model, provider, service_tier
        from json_to_recordset(${rowsJson(rows)}::text::json) given
          (attempt text, admitted_at_ms bigint, n int, cost_nano bigint, list_nano bigint, price_version text)
          join entries entry on entry.attempt = given.attempt
            and entry.admitted_at_ms = given.admitted_at_ms
        on conflict (attempt, n) do nothing
        returning ${COLUMNS})`
    await accumulate(tx, [added], adjustmentFacts('adjustment_added'))
  })
