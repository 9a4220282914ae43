import type { Cube, Grain } from '../cubes/cubes.ts'

/** UTC ms; `fromMs` included, `toMs` not. */
export interface Range {
  readonly fromMs: number
  readonly toMs: number
}

/** A range that begins and ends where the rows of its cube do. */
export interface Piece extends Range {
  readonly cube: Cube
}

const HOUR_MS = 3_600_000
const LENGTHS_MS = { hour: HOUR_MS, day: 24 * HOUR_MS } as const

/** The last instant at or before `atMs` at which a row begins. */
function startIn(grain: Grain, atMs: number): number {
  if (grain !== 'month') return Math.floor(atMs / LENGTHS_MS[grain]) * LENGTHS_MS[grain]
  const at = new Date(atMs)
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth())
}

function nextIn(grain: Grain, startMs: number): number {
  if (grain !== 'month') return startMs + LENGTHS_MS[grain]
  const start = new Date(startMs)
  return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1)
}

const endIn = (grain: Grain, atMs: number): number => {
  const startMs = startIn(grain, atMs)
  return startMs === atMs ? atMs : nextIn(grain, startMs)
}

/** Where the cubes can cut that is nearest to a range: ranges that meet still do. */
export function snapped(range: Range, cubes: readonly Cube[]): Range {
  const finest = cubes.at(-1)?.grain ?? 'hour'
  const near = (atMs: number) => {
    const startMs = startIn(finest, atMs)
    const nextMs = nextIn(finest, startMs)
    return atMs - startMs < nextMs - atMs ? startMs : nextMs
  }
  return { fromMs: near(range.fromMs), toMs: near(range.toMs) }
}

/**
 * Cuts a range into the longest pieces that it has whole: months, then days, then hours.
 * @param range - snapped.
 */
export function piecesOf(range: Range, [cube, ...finer]: readonly Cube[]): Piece[] {
  if (cube === undefined || range.fromMs >= range.toMs) return []
  const fromMs = endIn(cube.grain, range.fromMs)
  const toMs = startIn(cube.grain, range.toMs)
  if (fromMs >= toMs) return piecesOf(range, finer)
  return [
    ...piecesOf({ fromMs: range.fromMs, toMs: fromMs }, finer),
    { cube, fromMs, toMs },
    ...piecesOf({ fromMs: toMs, toMs: range.toMs }, finer),
  ]
}

/** Ranges of each cube, those that meet made one. */
export function rangesByCube(pieces: readonly Piece[]): Map<Cube, Range[]> {
  const byCube = new Map<Cube, Range[]>()
  for (const { cube, fromMs, toMs } of pieces.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const ranges = byCube.get(cube) ?? []
    const last = ranges.at(-1)
    if (last?.toMs === fromMs) ranges[ranges.length - 1] = { fromMs: last.fromMs, toMs }
    else ranges.push({ fromMs, toMs })
    byCube.set(cube, ranges)
  }
  return byCube
}

/** First instants of the months in ranges that begin and end with one; null = there are more of them than `most`. */
export function monthsIn(ranges: readonly Range[], most: number): number[] | null {
  const months: number[] = []
  for (const { fromMs, toMs } of ranges) {
    for (let atMs = fromMs; atMs < toMs; atMs = nextIn('month', atMs)) {
      if (months.length === most) return null
      months.push(atMs)
    }
  }
  return months
}
