import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from '../columns.ts'
import { type Ledger, rowsOf } from '../ledger.ts'
import { type Filters, planCubes } from './dimensions.ts'
import { piecesOf, type Range, rangesByCube, snapped } from './pieces.ts'
import { conditions, withinCube } from './sums.ts'

const Row = z.object({ groups: z.array(z.string()), isTotal: z.boolean(), users: SafeInteger })

export interface UsersQuestion {
  readonly range: Range
  /** None or several dimensions. */
  readonly by: readonly string[]
  readonly where: Filters
}

/** How many users there were: of each group of which anybody is known, and of all. */
export interface Users {
  readonly groups: readonly { readonly group: readonly string[]; readonly users: number }[]
  readonly total: number
}

/**
 * How many users of all tenants asked for anything in a period; by days of UTC, at the finest. One who is in several groups is one
 * in total. Throws as `spend` does.
 */
export async function users(
  { db }: Pick<Ledger, 'db'>,
  { range, by, where }: UsersQuestion,
): Promise<Users> {
  // `user` is asked for, so that only cubes that know it are read.
  const plan = planCubes(['user', ...by], where)
  const byCube = rangesByCube(piecesOf(snapped(range, plan.cubes), plan.cubes))
  if (byCube.size === 0) return { groups: [], total: 0 }
  const [, ...groups] = plan.by
  const columns = sql.raw([...new Set(['tenant', 'user_id', ...groups])].join(', '))
  const parts = [...byCube].map(
    ([cube, ranges]) => sql`
      select ${columns} from ${sql.raw(cube.table)}
      where ${withinCube(cube, ranges)} and ${conditions(plan)} and user_id <> '' group by ${columns}`,
  )
  const named = sql.raw(groups.join(', '))
  const grouped = sql`
    union all select array[${named}]::text[], false, count(*) from known group by ${named}`
  const rows = await rowsOf(
    db,
    Row,
    sql`
      with known as materialized (${sql.join(parts, sql` union `)})
      select array[]::text[] as groups, true as "isTotal", count(*) as users
      from (select distinct tenant, user_id from known) one
      ${groups.length === 0 ? sql`` : grouped}`,
  )
  return {
    groups: rows.flatMap((row) => (row.isTotal ? [] : [{ group: row.groups, users: row.users }])),
    total: rows.find(({ isTotal }) => isTotal)?.users ?? 0,
  }
}
