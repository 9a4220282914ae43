import { sql } from 'drizzle-orm'
import { type Ledger, type LedgerDb, rowsOf, run } from '../ledger.ts'
import { lockSlotRow } from '../slot-row.ts'
import { addToCube, rowsFromFiner, rowsOfCube } from './accumulate.ts'
import { CUBES, type Cube } from './cubes.ts'
import { adjustmentFacts, entryFacts, requestFacts } from './facts.ts'
import { type CubeDifference, DifferenceSchema, differing, MOST_NAMED } from './scan.ts'
import type { Stretch } from './stretches.ts'

type Span = Pick<Stretch, 'fromMs' | 'toMs'>

const within = (column: string, { fromMs, toMs }: Span): string =>
  `${column} >= ${fromMs} and ${column} < ${toMs}`
const rowsWithin = ({ table, key }: Cube, span: Span): string =>
  `(select * from ${table} where ${within(`${key[0]}`, span)})`

/** What is counted in a span. */
const factsWithin = (span: Span): string => `
  fact as materialized (
    ${entryFacts('entries')} where ${within('admitted_at_ms', span)}
    union all ${requestFacts('requests')} where ${within('ended_at_ms', span)}
    union all ${adjustmentFacts('adjustments')} where ${within('admitted_at_ms', span)})`

/** What a cube should have in a span: of the calls, or of the finer cube that stands before it. */
const countedIn = (cube: Cube, span: Span): string =>
  cube.from === null
    ? rowsOfCube(cube, 'fact')
    : rowsFromFiner(cube, cube.from, rowsWithin(cube.from, span))

/** Cubes that can be told from a span, each after what it adds up. */
const cubesOf = ({ isDropped }: Stretch): readonly Cube[] =>
  CUBES.filter(({ grain, from }) => grain !== 'month' && !(isDropped && from === null))
const MONTHLY_CUBES = CUBES.filter(({ grain }) => grain === 'month')

/**
 * Holds the sums of a stretch against its calls, and coarser sums against finer ones, at one instant each, so that a busy
 * ledger is not blamed.
 * @returns empty = all agree; at most 1,000 of the days and as many of the month.
 * @throws {BursarError} LEDGER_UNAVAILABLE.
 */
export async function differencesIn(
  { db }: Pick<Ledger, 'db'>,
  stretch: Stretch,
): Promise<CubeDifference[]> {
  const days = await differencesOf(db, cubesOf(stretch), stretch)
  const { endsMonth } = stretch
  return endsMonth === null
    ? days
    : [...days, ...(await differencesOf(db, MONTHLY_CUBES, endsMonth))]
}

function differencesOf(db: LedgerDb, cubes: readonly Cube[], span: Span) {
  const parts = cubes.map((cube) =>
    differing(cube, rowsWithin(cube, span), `(${countedIn(cube, span)})`),
  )
  const found = `select * from (${parts.join(' union all ')}) found order by 1, 2 limit ${MOST_NAMED}`
  return rowsOf(db, DifferenceSchema, sql.raw(`with ${factsWithin(span)} ${found}`))
}

/**
 * Makes the sums of a stretch again, each cube from its calls or from finer sums. The drain waits meanwhile. Of a month whose
 * calls are gone the finest sums stay as they are.
 * @throws {BursarError} LEDGER_UNAVAILABLE.
 */
export async function remake(ledger: Ledger, stretch: Stretch): Promise<void> {
  await remakeCubes(ledger, cubesOf(stretch), stretch)
  if (stretch.endsMonth !== null) await remakeCubes(ledger, MONTHLY_CUBES, stretch.endsMonth)
}

const remakeCubes = (ledger: Ledger, cubes: readonly Cube[], span: Span): Promise<void> =>
  ledger.transaction(async (tx) => {
    await lockSlotRow(tx)
    for (const cube of cubes) {
      await run(tx, sql.raw(`delete from ${cube.table} where ${within(`${cube.key[0]}`, span)}`))
      const facts = cube.from === null ? `with ${factsWithin(span)} ` : ''
      await run(tx, sql.raw(facts + addToCube(cube, countedIn(cube, span))))
    }
  })
