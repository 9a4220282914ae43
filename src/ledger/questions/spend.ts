import type { Ledger } from '../ledger.ts'
import { type Filters, planCubes } from './dimensions.ts'
import { type Measure, type Sums, sumsOf } from './measures.ts'
import { type Range, snapped } from './pieces.ts'
import { type SumsRow, sums } from './sums.ts'

/** What was spent, by anything. */
export interface SpendQuestion<M extends Measure = Measure> {
  readonly range: Range
  /** Absent = nothing is compared. */
  readonly before?: Range
  /** None, one or several dimensions. */
  readonly by: readonly string[]
  readonly where: Filters
  readonly measures: readonly M[]
  /** Groups are ranked by it; one of `measures`. */
  readonly rankBy: M
  /** How many groups are told, >= 1. */
  readonly top: number
}

/** Two periods beside each other. */
export interface Compared<M extends Measure> {
  readonly now: Sums<M>
  /** null = nobody asked. */
  readonly before: Sums<M> | null
}

export interface Spend<M extends Measure = Measure> {
  /** What was added up: the nearest to the range that the cubes have whole, full hours or days of UTC. */
  readonly range: Range
  readonly before: Range | null
  /** Dearest first; empty when nothing happened. */
  readonly rows: readonly (Compared<M> & { readonly group: readonly string[] })[]
  /** Of all groups, told or not. */
  readonly total: Compared<M>
  /** How many groups there are in `range`. */
  readonly groups: number
}

/**
 * Usage of a period by any dimensions, dearest first, with the period before. Throws INVALID_ARGUMENT for dimensions that are not
 * kept together, LEDGER_UNAVAILABLE.
 */
export async function spend<M extends Measure>(
  ledger: Pick<Ledger, 'db'>,
  { range, before, by, where, measures, rankBy, top }: SpendQuestion<M>,
): Promise<Spend<M>> {
  const plan = planCubes(by, where, measures)
  const own = snapped(range, plan.cubes)
  const former = before ? clipped(snapped(before, plan.cubes), own) : null
  const buckets = former ? [former, own] : [own]
  const last = buckets.length - 1
  const rows = await sums(ledger, { plan, buckets, measures, rankBy, rankFrom: last, top })
  const compare = (of: (row: SumsRow) => boolean): Compared<M> => {
    const found = rows.filter(of)
    const at = (bucket: number) => found.find((row) => row.bucket === bucket)?.values
    return {
      now: sumsOf(measures, at(last)),
      before: former ? sumsOf(measures, at(0)) : null,
    }
  }
  const told = by.length === 0 ? [] : rows.filter((row) => !row.isTotal && row.bucket === last)
  return {
    range: own,
    before: former,
    rows: told.map(({ groups }) => ({
      group: groups,
      ...compare((row) => !row.isTotal && sameGroup(row.groups, groups)),
    })),
    total: compare((row) => row.isTotal),
    groups: by.length === 0 ? 0 : (rows[0]?.known ?? 0),
  }
}

/** A former range may be rounded into the own one, where it would count twice. */
const clipped = (former: Range, own: Range): Range => ({
  fromMs: former.fromMs,
  toMs: Math.max(Math.min(former.toMs, own.fromMs), former.fromMs),
})

const sameGroup = (a: readonly string[], b: readonly string[]): boolean =>
  a.every((name, at) => name === b[at])
