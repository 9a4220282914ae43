import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { type Ledger, rowsOf } from '../ledger.ts'
import { rowsOfCube } from './accumulate.ts'
import { CUBES, type Cube } from './cubes.ts'
import { adjustmentFacts, entryFacts, requestFacts } from './facts.ts'
import { MEASURES } from './measures.ts'

/** Everything that there is to count, of months that are kept. */
const ALL_FACTS = [
  entryFacts('entries'),
  requestFacts('requests'),
  adjustmentFacts('adjustments'),
].join(' union all ')

export const DifferenceSchema = z.object({
  table: z.string(),
  key: z.string(),
  measures: z.string(),
})
/** A row of a cube that is not what it should add up to: which measures, and `kept/counted` of each. */
export type CubeDifference = Readonly<z.infer<typeof DifferenceSchema>>

export const MOST_NAMED = 1_000

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

const differencesOf = ({ db }: Pick<Ledger, 'db'>, cube: Cube) =>
  rowsOf(
    db,
    DifferenceSchema,
    sql.raw(`
      with fact as (${ALL_FACTS}), counted as (${rowsOfCube(cube, 'fact')})
      ${differing(cube, cube.table, 'counted')} and ${isKept(`${cube.key[0]}`)}
      order by 2 limit ${MOST_NAMED}`),
  )

/** A condition on a time: its month was not dropped. */
const isKept = (time: string): string =>
  `to_char(to_timestamp(${time} / 1000) at time zone 'UTC', 'YYYY-MM')
    not in (select left(month, 7) from dropped_months)`

/** Rows of two relations with a cube's columns that are not the same, as `CubeDifference`; a further condition may follow. */
export function differing({ table, key }: Cube, kept: string, counted: string): string {
  const differs = (column: string) =>
    `coalesce(kept.${column}, 0) <> coalesce(counted.${column}, 0)`
  const told = MEASURES.map(
    (column) =>
      `case when ${differs(column)} then concat('${column} ', coalesce(kept.${column}, 0), '/', coalesce(counted.${column}, 0)) end`,
  )
  return `
    select '${table}' as table, concat_ws(' ', ${key.join(', ')}) as key, concat_ws(', ', ${told.join(', ')}) as measures
    from ${kept} kept full join ${counted} counted using (${key.join(', ')})
    where (${MEASURES.map(differs).join(' or ')})`
}
