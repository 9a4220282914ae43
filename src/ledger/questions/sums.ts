import { type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import type { Cube } from '../cubes/cubes.ts'
import { type Ledger, rowsOf } from '../ledger.ts'
import type { CubePlan } from './dimensions.ts'
import { MEASURES, type Measure } from './measures.ts'
import { piecesOf, type Range, rangesByCube } from './pieces.ts'

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
 * Adds up cubes, each piece of time from the coarsest that has it whole; entries are never read. A bucket in which
 * nothing happened has no row. Throws like `rowsOf`.
 */
export async function sums({ db }: Pick<Ledger, 'db'>, question: SumsQuestion): Promise<SumsRow[]> {
  const { plan, buckets, measures, rankBy, rankFrom, top } = question
  const byCube = rangesByCube(buckets.flatMap((bucket) => piecesOf(bucket, plan.cubes)))
  if (byCube.size === 0) return []
  const starts = `{${buckets.map(({ fromMs }) => fromMs).join(',')}}`
  const parts = [...byCube].map(([cube, ranges]) =>
    partOf(cube, ranges, { plan, measures, starts }),
  )
  const ranked = sql.raw(`v${measures.indexOf(rankBy)}`)
  const values = measures.map((_, at) => sql.raw(`v${at}`))
  const groups = sql.raw(groupNames(plan).join(', '))
  return rowsOf(
    db,
    Row,
    sql`
      with parts as (${sql.join(parts, sql` union all `)}),
      added as (
        select bucket, ${groups}, grouping(g0) = 1 as is_total,
          ${sql.join(
            values.map((value) => sql`sum(${value})::bigint as ${value}`),
            sql`, `,
          )}
        from parts group by grouping sets ((bucket, ${groups}), (bucket))
      ),
      ranked as (
        select ${groups}, sum(${ranked}) as rank from added
        where not is_total and bucket >= ${rankFrom}::int group by ${groups}
      ),
      told as (select ${groups} from ranked order by rank desc, ${groups} limit ${top}::int)
      select bucket, is_total as "isTotal",
        case when is_total then array[]::text[] else array[${groups}] end as groups,
        array[${sql.join(values, sql`, `)}] as values,
        (select count(*) from ranked) as known
      from added
      where is_total or (${groups}) in (select ${groups} from told)
      order by bucket, is_total desc, ${ranked} desc, ${groups}`,
  )
}

/** g0, g1, ...; a question without groups has one that is the same for all. */
const groupNames = ({ by }: CubePlan): string[] =>
  Array.from({ length: Math.max(by.length, 1) }, (_, at) => `g${at}`)

interface Part extends Pick<SumsQuestion, 'plan' | 'measures'> {
  readonly starts: string
}

/** Names of tables and columns are ours; values travel as parameters. */
function partOf(cube: Cube, ranges: readonly Range[], { plan, measures, starts }: Part): SQL {
  const time = sql.raw(timeOf(cube))
  const names = groupNames(plan)
  const selected = names.map((name, at) => `${plan.by[at] ?? "''::text"} as ${name}`)
  const added = measures.map((name, at) => `coalesce(${MEASURES[name]}, 0)::bigint as v${at}`)
  return sql`
    select width_bucket(${time}, ${starts}::bigint[]) - 1 as bucket, ${sql.raw(selected.join(', '))},
      ${sql.raw(added.join(', '))}
    from ${sql.raw(cube.table)}
    where ${withinCube(cube, ranges)} and ${conditions(plan)}
    group by ${sql.raw(['1', ...names.map((_, at) => String(at + 2))].join(', '))}`
}

const timeOf = ({ grain }: Cube): string => `${grain}_ms`

/** Rows of a cube that lie in one of these ranges. */
export function withinCube(cube: Cube, ranges: readonly Range[]): SQL {
  const time = sql.raw(timeOf(cube))
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
