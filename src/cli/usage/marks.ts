import { formatUsd } from '../../money/usd.ts'

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']
const LEVELS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
const NANO_OF_MILL = 1_000_000

/** A bar as long as a share of the longest, in eighths of a character. */
export function bar(value: number, most: number, chars: number): string {
  if (most <= 0 || value <= 0) return ''
  const eighths = Math.max(1, Math.round((value / most) * chars * 8))
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '')
}

/** A curve in one line; of nothing at all it is flat. */
export function sparkline(values: readonly number[]): string {
  const most = Math.max(...values, 0)
  return values
    .map((value) => {
      const level = most <= 0 ? 0 : Math.round((Math.max(value, 0) / most) * (LEVELS.length - 1))
      return LEVELS[level] ?? ''
    })
    .join('')
}

/** Adds neighbours up until a curve fits into a line. */
export function fitted(values: readonly number[], most: number): number[] {
  const step = Math.ceil(values.length / most)
  const sums: number[] = []
  for (let at = 0; at < values.length; at += step) {
    sums.push(values.slice(at, at + step).reduce((sum, value) => sum + value, 0))
  }
  return sums
}

/** How a value changed: `+12%`, `-3.4%`, `new`, or nothing to compare with. */
export function change(now: number, before: number | undefined): string {
  if (before === undefined || (before === 0 && now === 0)) return '-'
  if (before === 0) return 'new'
  const percent = ((now - before) / Math.abs(before)) * 100
  const shown =
    Math.abs(percent) < 10 ? percent.toFixed(1) : Math.round(percent).toLocaleString('en-US')
  return `${percent > 0 ? '+' : ''}${shown}%`
}

/** USD to read: to the cent from a dollar on, exact below. Files have every digit. */
export function usdText(nano: number): string {
  if (Math.abs(nano) < 1_000 * NANO_OF_MILL) return formatUsd(nano)
  const cents = Math.round(nano / (10 * NANO_OF_MILL))
  return (cents / 100).toLocaleString('en-US', { minimumFractionDigits: 2 })
}

export const grouped = (value: number): string => value.toLocaleString('en-US')

/** Numbers to read: 12,345 then 1.23M. */
export function countText(value: number): string {
  if (Math.abs(value) < 1_000_000) return grouped(value)
  const [size, unit] = Math.abs(value) < 1e9 ? [1e6, 'M'] : [1e9, 'G']
  return `${(value / Number(size)).toFixed(2)}${unit}`
}

/** Cells end below each other but for the first `left` columns, which are names, and the last one when it is a bar. */
export function alignRight(
  lines: readonly (readonly string[])[],
  left: number,
  bars: number = 0,
): string[][] {
  const widths: number[] = []
  for (const line of lines) {
    for (const [at, cell] of line.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  }
  return lines.map((line) =>
    line.map((cell, at) =>
      at < left || at >= line.length - bars ? cell : cell.padStart(widths[at] ?? 0),
    ),
  )
}
