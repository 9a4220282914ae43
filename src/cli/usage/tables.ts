import { csvField } from '../../ledger/exports/csv.ts'
import { alignRight } from './marks.ts'

/** Header and rows, ready for `Output.table`. */
export interface Table {
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** The first line is the header; numbers end below each other behind `left` columns of names and before `bars` of bars. */
export function aligned(
  lines: readonly (readonly string[])[],
  left: number,
  bars: number = 0,
): Table {
  const [header = [], ...rows] = alignRight(lines, left, bars)
  return { header, rows }
}

/** Lines as RFC 4180 has them, but for the last line's end. */
export const csvOf = (lines: readonly (readonly (string | number)[])[]): string =>
  lines.map((line) => line.map(csvField).join(',')).join('\r\n')
