import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import type { Cube } from '../cubes/cubes.ts'
import { type Ledger, rowsOf } from '../ledger.ts'
import type { CubePlan } from './dimensions.ts'
import { MEASURES, type Measure } from './measures.ts'
import { monthsIn, piecesOf, type Range, rangesByCube } from './pieces.ts'

/** What is added up, and how. */
export interface SumsQuestion {
  readonly plan: CubePlan
  /** In time's order, without overlap, each snapped to the plan's cubes. */
  readonly buckets: readonly Range[]
  readonly measures: readonly Measure[]
  /** Groups are ranked by this one of `measures`, over buckets from `rankFrom` on. */
  readonly rankBy: Measure
  readonly rankFrom: number
  /** Only so many groups are told; what the others have is in the totals. */
  readonly top: number
}

const Row = z.object({
  bucket: z.int(),
  isTotal: z.boolean(),
  groups: z.array(z.string()),
  values: z.array(SafeInteger),
  known: SafeInteger,
})
/** The sums of one group in one bucket, or of all groups; `known` = how many groups there are. */
export type SumsRow = Readonly<z.infer<typeof Row>>

/**
 * Adds up cubes, each piece of time from the coarsest that has it whole; entries are never read. Groups are ranked first, by one
 * measure, and only those that are told are added up whole; totals come from cubes that know no groups. A bucket in which
 * nothing happened has no row. Throws like `rowsOf`.
 */
export async function sums({ db }: Pick<Ledger, 'db'>, question: SumsQuestion): Promise<SumsRow[]> {
  const { plan, buckets } = question
  const inTotal = partsOf(plan.ofTotals, buckets, { ...question, by: [] })
  if (inTotal.length === 0) return []
  const ranked = partsOf(plan.cubes, buckets.slice(question.rankFrom), {
    ...question,
    ...{ by: plan.by, measures: [question.rankBy], isBucketed: false },
  })
  const totals = sql`select * from (${addedUp(inTotal, [], question)}) total`
  if (plan.by.length === 0 || ranked.length === 0) {
    return rowsOf(db, Row, sql`${totals} order by bucket`)
  }
  const groups = sql.raw(groupNames(plan.by).join(', '))
  const wanted = partsOf(plan.cubes, buckets, { ...question, by: plan.by, isTold: true })
  return rowsOf(
    db,
    Row,
    sql`
      with ranked as (${rankOf(ranked, groups)}),
      told as (select ${groups} from ranked order by v0 desc, ${groups} limit ${question.top}::int)
      select bucket, "isTotal", groups, values, (select count(*) from ranked) as known
      from (${totals} union all ${addedUp(wanted, plan.by, question)}) added
      order by bucket, "isTotal" desc, values[${measureAt(question)}::int] desc, groups`,
  )
}

/** Groups of all parts with the measure that they are ranked by; those of one part are there already. */
function rankOf(ranked: readonly SQL[], groups: SQL): SQL {
  const parts = sql.join([...ranked], sql` union all `)
  if (ranked.length === 1) return parts
  return sql`select ${groups}, sum(v0) as v0 from (${parts}) part group by ${groups}`
}

/** Arrays begin at 1. */
const measureAt = ({ measures, rankBy }: SumsQuestion): number => measures.indexOf(rankBy) + 1

/** g0, g1, ... */
const groupNames = (by: readonly string[]): string[] => by.map((_, at) => `g${at}`)

/** Parts as rows of the answer. @param by - none: totals. */
function addedUp(parts: SQL[], by: readonly string[], { measures }: SumsQuestion): SQL {
  const names = groupNames(by)
  const values = measures.map((_, at) => `sum(v${at})::bigint`)
  return sql`
    select bucket, ${sql.raw(String(by.length === 0))} as "isTotal",
      array[${sql.raw(names.join(', '))}]::text[] as groups, array[${sql.raw(values.join(', '))}] as values,
      0::bigint as known
    from (${sql.join(parts, sql` union all `)}) part
    group by ${sql.raw(['bucket', ...names].join(', '))}`
}

interface Part extends Pick<SumsQuestion, 'plan' | 'measures'> {
  /** All of them: rows are numbered by where these begin. */
  readonly buckets: readonly Range[]
  readonly by: readonly string[]
  /** Whether each bucket is told of its own; a rank is over all of them. Default true. */
  readonly isBucketed?: boolean
  /** Whether only the groups of `told` count. Default false. */
  readonly isTold?: boolean
}

/** What the cubes have of some buckets, one part for each cube. */
const partsOf = (cubes: readonly Cube[], wanted: readonly Range[], part: Part): SQL[] => {
  const byCube = rangesByCube(wanted.flatMap((bucket) => piecesOf(bucket, cubes)))
  return [...byCube].map(([cube, ranges]) => partOf(cube, ranges, part))
}

/** Names of tables and columns are ours; values travel as parameters. */
function partOf(
  cube: Cube,
  ranges: readonly Range[],
  { plan, measures, buckets, by, isBucketed = true, isTold = false }: Part,
) {
  const starts = `{${buckets.map(({ fromMs }) => fromMs).join(',')}}`
  const bucket = sql`width_bucket(${sql.raw(timeOf(cube))}, ${starts}::bigint[]) - 1 as bucket, `
  const selected = by.map((column, at) => `${column} as g${at}, `)
  const added = measures.map((name, at) => `coalesce(${MEASURES[name]}, 0)::bigint as v${at}`)
  const groups = [...(isBucketed ? ['bucket'] : []), ...by.map((_, at) => `g${at}`)]
  return sql`
    select ${isBucketed ? bucket : sql``}${sql.raw(selected.join(''))}${sql.raw(added.join(', '))}
    from (${sourceOf(cube, ranges, plan, isTold && cube.foundBy !== by[0])}) row
    where ${isTold ? toldOf(by) : sql`true`}
    group by ${sql.raw(groups.join(', '))}`
}

const toldOf = (by: readonly string[]): SQL =>
  sql`(${sql.raw(by.join(', '))}) in (select ${sql.raw(groupNames(by).join(', '))} from told)`

/** @param isWhole - read once, whatever is asked of its rows: they cannot be found by that, and PostgreSQL would try for each. */
const sourceOf = (cube: Cube, ranges: readonly Range[], plan: CubePlan, isWhole: boolean): SQL =>
  sql`select * from ${sql.raw(cube.table)} where ${withinCube(cube, ranges)} and ${conditions(plan)} ${
    isWhole ? sql`offset 0` : sql``
  }`

const timeOf = ({ grain }: Cube): string => `${grain}_ms`

/** A list of months is looked up one by one, with what else is asked for; a range is read whole. */
const MOST_MONTHS = 120

/** Rows of a cube that lie in one of these ranges. */
export function withinCube(cube: Cube, ranges: readonly Range[]): SQL {
  const time = sql.raw(timeOf(cube))
  const months = cube.grain === 'month' ? monthsIn(ranges, MOST_MONTHS) : null
  if (months !== null) return sql`${time} = any(${`{${months.join(',')}}`}::bigint[])`
  const within = ranges.map(
    ({ fromMs, toMs }) => sql`(${time} >= ${fromMs}::bigint and ${time} < ${toMs}::bigint)`,
  )
  return sql`(${sql.join(within, sql` or `)})`
}

/** Rows of a cube that a question is about. */
export function conditions({ tag, where }: CubePlan): SQL {
  const all = where.map(
    ({ column, values }) =>
      sql`${sql.raw(column)} in (${sql.join(
        values.map((value) => sql`${value}`),
        sql`, `,
      )})`,
  )
  if (tag !== null) all.push(sql`tag = ${tag}`)
  return all.length === 0 ? sql`true` : sql.join(all, sql` and `)
}
