import { type SQL, sql } from 'drizzle-orm'
import { type TimeRange, within } from '../queries/time-range.ts'
import { adjustmentFacts, entryFacts, requestFacts } from './facts.ts'
import { DIMENSIONS, MEASURES } from './measures.ts'

const DAY_MS = 86_400_000

const startOfDay = (atMs: number): number => Math.floor(atMs / DAY_MS) * DAY_MS
const startOfMonth = (atMs: number): number => {
  const at = new Date(atMs)
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1)
}
const nextMonth = (atMs: number): number => {
  const at = new Date(atMs)
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1)
}

type Piece = TimeRange & { readonly of: 'months' | 'days' | 'calls' }

/** The months that a range has whole; what is left of it on both sides, its days; of those, the calls themselves. */
export function piecesOf({ fromMs, toMs }: TimeRange): readonly Piece[] {
  const whole = inside({ fromMs, toMs }, startOfMonth, nextMonth)
  if (whole === null) return daysOf({ fromMs, toMs })
  return [
    ...(fromMs === undefined ? [] : daysOf({ fromMs, toMs: whole.fromMs })),
    { of: 'months', ...whole },
    ...(toMs === undefined ? [] : daysOf({ fromMs: whole.toMs, toMs })),
  ]
}

function daysOf(range: TimeRange): readonly Piece[] {
  const { fromMs, toMs } = range
  if (isEmpty(range)) return []
  const whole = inside(range, startOfDay, (atMs) => startOfDay(atMs) + DAY_MS)
  if (whole === null) return [{ of: 'calls', ...range }]
  const edges: Piece[] = [
    { of: 'calls', fromMs, toMs: whole.fromMs },
    { of: 'calls', fromMs: whole.toMs, toMs },
  ]
  return [...edges.filter((edge) => !isEmpty(edge)), { of: 'days', ...whole }]
}

const isEmpty = ({ fromMs, toMs }: TimeRange): boolean =>
  fromMs === toMs || (fromMs !== undefined && toMs !== undefined && fromMs > toMs)

/** The part of a range that begins and ends where `start` says; null = it has none. */
function inside(
  { fromMs, toMs }: TimeRange,
  start: (atMs: number) => number,
  next: (atMs: number) => number,
): TimeRange | null {
  const from = fromMs === undefined || start(fromMs) === fromMs ? fromMs : next(fromMs)
  const to = toMs === undefined ? undefined : start(toMs)
  if (from !== undefined && to !== undefined && from >= to) return null
  return { fromMs: from, toMs: to }
}

const COLUMNS = sql.raw([...DIMENSIONS, ...MEASURES].join(', '))

function usageOfPiece(piece: Piece): SQL {
  switch (piece.of) {
    case 'months':
      return sql`select ${COLUMNS} from usage_monthly where ${within('month_ms', piece)}`
    case 'days':
      return sql`select ${COLUMNS} from usage_daily where ${within('day_ms', piece)}`
    case 'calls':
      return sql.join(
        [
          sql`select ${COLUMNS} from (${sql.raw(entryFacts('entries'))} where ${within('admitted_at_ms', piece)}) call`,
          sql`select ${COLUMNS} from (${sql.raw(requestFacts('requests'))} where ${within('ended_at_ms', piece)}) request`,
          sql`select ${COLUMNS} from (${sql.raw(adjustmentFacts('adjustments'))} where ${within('admitted_at_ms', piece)}) adjustment`,
        ],
        sql` union all `,
      )
  }
}

/**
 * All usage of a range, exact to the millisecond, as a relation with the dimensions and measures of the cubes: months and
 * days are read from their sums, and calls only at ends that are no whole day. Of a month that retention dropped there
 * are whole days alone.
 */
export function usageOver(range: TimeRange): SQL {
  const pieces = piecesOf(range).map(usageOfPiece)
  if (pieces.length === 0) return sql`(select ${COLUMNS} from usage_daily where false)`
  return sql`(${sql.join(pieces, sql` union all `)})`
}
