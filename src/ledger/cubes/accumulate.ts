import { type SQL, sql } from 'drizzle-orm'
import { type LedgerDb, run } from '../ledger.ts'
import { CUBES, type Cube, MEASURES } from './measures.ts'

const SUMS = MEASURES.map((column) => `sum(${column}) as ${column}`).join(', ')
const SOME = MEASURES.map((column) => `sum(${column}) <> 0`).join(' or ')
const ADDED = MEASURES.map((column) => `${column} = cube.${column} + excluded.${column}`).join(', ')

/** Tags of a caller's own: ours are a dimension, or have as many values as there are calls. */
const OWN_TAGS_ONLY = `cross join lateral jsonb_each_text(coalesce(fact.tags, '{}')) tag where tag.key not like 'bursar.%'`

/** Facts of `relation` as rows of a cube: one for each of its keys that something changed for. */
export function rowsOfCube({ key, byTag }: Cube, relation: string): string {
  const columns = key.map(([column, of]) => `${of} as ${column}`).join(', ')
  const positions = key.map((_, at) => at + 1).join(', ')
  return `select ${columns}, ${SUMS} from ${relation} fact ${byTag ? OWN_TAGS_ONLY : ''}
    group by ${positions} having ${SOME}`
}

/**
 * Adds the facts of `relation` to a cube. In the order of the key always, so that whoever else adds to several rows
 * cannot deadlock with this.
 */
export function addToCube(cube: Cube, relation: string): string {
  const names = cube.key.map(([column]) => column).join(', ')
  const positions = cube.key.map((_, at) => at + 1).join(', ')
  return `insert into ${cube.table} as cube (${names}, ${MEASURES.join(', ')})
    ${rowsOfCube(cube, relation)} order by ${positions}
    on conflict (${names}) do update set ${ADDED}`
}

const ALL_CUBES = CUBES.map((cube) => `${cube.table}_added as (${addToCube(cube, 'fact')})`).join(
  ',\n',
)

/**
 * Runs one statement that adds facts to all cubes. The caller's transaction holds the lock of the slot row, or adds to
 * cubes that nobody else writes to.
 * @param before - the common table expressions that `facts` reads, each `name as (...)`.
 * @param facts - what to add, in the columns of `entryFacts`.
 * @throws {BursarError} LEDGER_UNAVAILABLE, LEDGER_NOT_MIGRATED.
 */
export const accumulate = (db: LedgerDb, before: readonly SQL[], facts: string): Promise<void> =>
  run(
    db,
    sql`with ${sql.join([...before, sql.raw(`fact as materialized (${facts}),\n${ALL_CUBES}`)], sql`, `)}
      select 1`,
  )
