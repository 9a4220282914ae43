import { type SQL, sql } from 'drizzle-orm'
import { type LedgerDb, run } from '../ledger.ts'
import { prepared } from '../prepared.ts'
import { CUBES, type Cube, type Grain } from './cubes.ts'
import { MEASURES } from './measures.ts'

// Without the cast they are numeric, and adding those up once more for the coarser cubes cost a tenth of the drain.
const SUMS = MEASURES.map((column) => `sum(${column})::bigint as ${column}`).join(', ')
const SOME = MEASURES.map((column) => `sum(${column}) <> 0`).join(' or ')
const ADDED = MEASURES.map((column) => `${column} = cube.${column} + excluded.${column}`).join(', ')

/** Start of the hour, day or month (UTC) of a fact, as SQL. */
const START: Readonly<Record<Grain, string>> = {
  hour: 'at_ms - mod(at_ms, 3600000)',
  day: 'at_ms - mod(at_ms, 86400000)',
  month: `(extract(epoch from date_trunc('month', to_timestamp(at_ms / 1000) at time zone 'UTC')) * 1000)::bigint`,
}

/** Tags of a caller's own: ours are a dimension, or have as many values as there are calls. */
const OWN_TAGS_ONLY = `cross join lateral jsonb_each_text(coalesce(fact.tags, '{}')) tag where tag.key not like 'bursar.%'`

const OF_TAG: Readonly<Record<string, string>> = { tag: 'tag.key', value: 'tag.value' }

/** Facts of `relation` as rows of a cube: one for each of its keys that something changed for. */
export const rowsOfCube = (cube: Cube, relation: string): string =>
  addedUp(cube, `${relation} fact ${cube.byTag ? OWN_TAGS_ONLY : ''}`, (column) =>
    cube.byTag ? (OF_TAG[column] ?? column) : column,
  )

/** The same from the rows of the cube that it adds up. @param relation - some of those rows. */
export const rowsFromFiner = (cube: Cube, finer: Cube, relation: string): string =>
  addedUp(cube, `(select *, ${finer.key[0]} as at_ms from ${relation} finer) fact`, (name) => name)

function addedUp({ key, grain }: Cube, source: string, of: (column: string) => string): string {
  const columns = key.map((name, at) => `${at === 0 ? START[grain] : of(name)} as ${name}`)
  const positions = key.map((_, at) => at + 1).join(', ')
  return `select ${columns.join(', ')}, ${SUMS} from ${source} group by ${positions} having ${SOME}`
}

/**
 * Adds rows to a cube. In the order of the key always, so that whoever else adds to several rows cannot deadlock with
 * this.
 * @param rows - of `rowsOfCube` or `rowsFromFiner`.
 */
export function addToCube({ table, key }: Cube, rows: string): string {
  const names = key.join(', ')
  const positions = key.map((_, at) => at + 1).join(', ')
  return `insert into ${table} as cube (${names}, ${MEASURES.join(', ')})
    ${rows} order by ${positions}
    on conflict (${names}) do update set ${ADDED}`
}

/** A coarser cube adds up the few rows of the finer one, which have its order already. */
const rowsIn = (cube: Cube): string =>
  cube.from === null
    ? rowsOfCube(cube, 'fact')
    : rowsFromFiner(cube, cube.from, `${cube.from.table}_rows`)

const ALL_CUBES = CUBES.flatMap((cube) => [
  `${cube.table}_rows as materialized (${rowsIn(cube)})`,
  `${cube.table}_added as (${addToCube(cube, `select * from ${cube.table}_rows`)})`,
]).join(',\n')

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
    prepared(
      sql`with ${sql.join([...before, sql.raw(`fact as materialized (${facts}),\n${ALL_CUBES}`)], sql`, `)}
      select 1`,
    ),
  )
