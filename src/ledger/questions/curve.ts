import type { Ledger } from '../ledger.ts'
import { type Filters, planCubes } from './dimensions.ts'
import type { Measure } from './measures.ts'
import { bucketsOf, type Grain } from './period.ts'
import { type Range, snapped } from './pieces.ts'
import { type SumsRow, sums } from './sums.ts'

/** One measure over time. */
export interface CurveQuestion {
  readonly range: Range
  readonly grain: Grain
  /** IANA name, already validated. */
  readonly timezone: string
  /** None or several dimensions: a line for each group. */
  readonly by: readonly string[]
  readonly where: Filters
  readonly measure: Measure
  /** How many lines are told, >= 1. */
  readonly top: number
}

export interface Curve {
  /** The hours, days, weeks or months, cut to full hours or days of UTC as the cubes have them. */
  readonly buckets: readonly Range[]
  /** Highest first; one value per bucket, 0 where nothing happened. */
  readonly lines: readonly {
    readonly group: readonly string[]
    readonly values: readonly number[]
  }[]
  /** Of all groups. */
  readonly total: readonly number[]
}

/** How usage went. Throws INVALID_ARGUMENT for too many buckets and as `spend` does, LEDGER_UNAVAILABLE. */
export async function curve(ledger: Pick<Ledger, 'db'>, question: CurveQuestion): Promise<Curve> {
  const { range, grain, timezone, by, where, measure, top } = question
  const plan = planCubes(by, where, [measure])
  const buckets = bucketsOf(range, grain, timezone)
    .map((bucket) => snapped(bucket, plan.cubes))
    .filter(({ fromMs, toMs }) => fromMs < toMs)
  const rows = await sums(ledger, {
    ...{ plan, buckets, top, measures: [measure], rankBy: measure, rankFrom: 0 },
  })
  const totals = rows.filter(({ isTotal }) => isTotal)
  const groups = by.length === 0 ? [] : [...byGroup(rows)]
  const lines = groups.map(([, own]) => ({
    group: own[0]?.groups ?? [],
    values: valuesOf(own, buckets.length),
  }))
  const height = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)
  return {
    buckets,
    lines: lines.toSorted((a, b) => height(b.values) - height(a.values)),
    total: valuesOf(totals, buckets.length),
  }
}

function byGroup(rows: readonly SumsRow[]): Map<string, SumsRow[]> {
  const groups = new Map<string, SumsRow[]>()
  for (const row of rows.filter(({ isTotal }) => !isTotal)) {
    const key = JSON.stringify(row.groups)
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  return groups
}

function valuesOf(rows: readonly SumsRow[], length: number): number[] {
  const values = new Array<number>(length).fill(0)
  for (const {
    bucket,
    values: [value = 0],
  } of rows)
    values[bucket] = value
  return values
}
