import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { type Ledger, rowsOf } from '../ledger.ts'
import { rowsOfCube } from './accumulate.ts'
import { adjustmentFacts, entryFacts, requestFacts } from './facts.ts'
import { CUBES, type Cube, MEASURES } from './measures.ts'

/** Everything that there is to count, of months that are kept. */
const ALL_FACTS = [
  entryFacts('entries'),
  requestFacts('requests'),
  adjustmentFacts('adjustments'),
].join(' union all ')

const Difference = z.object({ table: z.string(), key: z.string(), measures: z.string() })
/** A row of a cube that is not what a full scan adds up to: which measures, and `kept/counted` of each. */
export type CubeDifference = Readonly<z.infer<typeof Difference>>

const MOST_NAMED = 1_000

/**
 * Counts everything anew and holds each cube against it. Reads all entries, requests and adjustments once for each cube;
 * months that were dropped are left out.
 * @returns empty = all agree.
 */
export async function cubeDifferences(ledger: Pick<Ledger, 'db'>): Promise<CubeDifference[]> {
  const found: CubeDifference[] = []
  for (const cube of CUBES) found.push(...(await differencesOf(ledger, cube)))
  return found
}

function differencesOf({ db }: Pick<Ledger, 'db'>, { table, key, byTag }: Cube) {
  const names = key.map(([column]) => column)
  const [time] = names
  const differs = (column: string) =>
    `coalesce(kept.${column}, 0) <> coalesce(counted.${column}, 0)`
  const told = MEASURES.map(
    (column) =>
      `case when ${differs(column)} then concat('${column} ', coalesce(kept.${column}, 0), '/', coalesce(counted.${column}, 0)) end`,
  )
  return rowsOf(
    db,
    Difference,
    sql.raw(`
      with fact as (${ALL_FACTS}), counted as (${rowsOfCube({ table, key, byTag }, 'fact')})
      select '${table}' as table, concat_ws(' ', ${names.join(', ')}) as key, concat_ws(', ', ${told.join(', ')}) as measures
      from ${table} kept full join counted using (${names.join(', ')})
      where (${MEASURES.map(differs).join(' or ')})
        and to_char(to_timestamp(${time} / 1000) at time zone 'UTC', 'YYYY-MM')
          not in (select left(month, 7) from dropped_months)
      order by 2 limit ${MOST_NAMED}`),
  )
}
