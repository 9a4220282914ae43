import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import { type Ledger, rowsOf } from '../ledger.ts'
import { type Filters, planCubes } from './dimensions.ts'
import { piecesOf, type Range, rangesByCube, snapped } from './pieces.ts'
import { conditions, withinCube } from './sums.ts'

const Row = z.object({ groups: z.array(z.string()), users: SafeInteger })

export interface UsersQuestion {
  readonly range: Range
  /** None or several dimensions. */
  readonly by: readonly string[]
  readonly where: Filters
}

/**
 * How many users of all tenants asked for anything in a period; by days of UTC, at the finest. A group of which nobody is known has no
 * row. Throws as `spend` does.
 */
export async function users(
  { db }: Pick<Ledger, 'db'>,
  { range, by, where }: UsersQuestion,
): Promise<z.infer<typeof Row>[]> {
  // `user` is asked for, so that only cubes that know it are read.
  const plan = planCubes(['user', ...by], where)
  const byCube = rangesByCube(piecesOf(snapped(range, plan.cubes), plan.cubes))
  if (byCube.size === 0) return []
  const columns = sql.raw(['tenant', 'user_id', ...plan.by.slice(1)].join(', '))
  const parts = [...byCube].map(
    ([cube, ranges]) => sql`
      select ${columns} from ${sql.raw(cube.table)}
      where ${withinCube(cube, ranges)} and ${conditions(plan)} group by ${columns}`,
  )
  const groups = plan.by.slice(1)
  return rowsOf(
    db,
    Row,
    sql`
      with known as (select distinct ${columns} from (${sql.join(parts, sql` union all `)}) parts)
      select array[${sql.raw(groups.join(', '))}]::text[] as groups, count(*) as users
      from known where user_id <> ''
      ${groups.length === 0 ? sql`` : sql`group by ${sql.raw(groups.join(', '))}`}`,
  )
}
