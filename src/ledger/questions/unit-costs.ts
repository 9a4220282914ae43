import type { Ledger } from '../ledger.ts'
import type { Filters } from './dimensions.ts'
import type { Sums } from './measures.ts'
import type { Range } from './pieces.ts'
import { type Compared, spend } from './spend.ts'
import { users } from './users.ts'

const MEASURES = ['costNano', 'served', 'calls', 'tokens'] as const
type Counted = Sums<(typeof MEASURES)[number]>

export interface UnitCostsQuestion {
  readonly range: Range
  readonly before?: Range
  readonly by: readonly string[]
  readonly where: Filters
  readonly top: number
}

/** What one of something costs, nano-USD; null = there was none. */
export interface UnitCosts {
  readonly costNano: number
  /** Requests that were served, from the cache too. */
  readonly served: number
  readonly tokens: number
  /** null = users are not kept with what was asked by. */
  readonly users: number | null
  readonly perRequestNano: number | null
  readonly perCallNano: number | null
  readonly perThousandTokensNano: number | null
  readonly perUserNano: number | null
}

interface Beside {
  readonly now: UnitCosts
  readonly before: UnitCosts | null
}

export interface UnitCostsAnswer {
  readonly range: Range
  readonly before: Range | null
  /** Dearest group first. */
  readonly rows: readonly (Beside & { readonly group: readonly string[] })[]
  readonly total: Beside
  readonly groups: number
}

/** What a request, 1,000 tokens and a user cost in a period, by any dimensions, with the period before. Throws as `spend`. */
export async function unitCosts(
  ledger: Pick<Ledger, 'db'>,
  question: UnitCostsQuestion,
): Promise<UnitCostsAnswer> {
  const [found, now, before] = await Promise.all([
    spend(ledger, { ...question, measures: MEASURES, rankBy: 'costNano' }),
    countUsers(ledger, question, question.range),
    question.before ? countUsers(ledger, question, question.before) : null,
  ])
  const beside = (group: readonly string[] | null, sums: Compared<(typeof MEASURES)[number]>) => ({
    now: unitsOf(sums.now, now?.(group) ?? null),
    before: sums.before && unitsOf(sums.before, before?.(group) ?? null),
  })
  return {
    ...{ range: found.range, before: found.before, groups: found.groups },
    rows: found.rows.map((row) => ({ group: row.group, ...beside(row.group, row) })),
    total: beside(null, found.total),
  }
}

/** @returns of a group, or of all, how many users there were; null = users are not kept with these dimensions. */
async function countUsers(
  ledger: Pick<Ledger, 'db'>,
  { by, where }: UnitCostsQuestion,
  range: Range,
): Promise<((group: readonly string[] | null) => number) | null> {
  if ([...by, ...Object.keys(where)].some((name) => name.startsWith('tag:'))) return null
  const known = await users(ledger, { range, by, where })
  const byGroup = new Map(known.groups.map((row) => [JSON.stringify(row.group), row.users]))
  return (group) => (group === null ? known.total : (byGroup.get(JSON.stringify(group)) ?? 0))
}

const unitsOf = (
  { costNano, served, calls, tokens }: Counted,
  known: number | null,
): UnitCosts => ({
  ...{ costNano, served, tokens, users: known },
  perRequestNano: per(costNano, served),
  perCallNano: per(costNano, calls),
  perThousandTokensNano: per(costNano * 1_000, tokens),
  perUserNano: known === null ? null : per(costNano, known),
})

const per = (nano: number, count: number): number | null =>
  count === 0 ? null : Math.round(nano / count)
