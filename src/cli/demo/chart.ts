const STEPS = '▁▂▃▄▅▆▇█'

/** One character for each value, as high as its share of the highest; a gap for nothing. */
export function sparkline(values: readonly number[]): string {
  const highest = Math.max(...values, 0)
  if (highest === 0) return ''
  return Array.from(values, (value) =>
    value === 0 ? ' ' : (STEPS[Math.ceil((value / highest) * STEPS.length) - 1] ?? ' '),
  ).join('')
}

const CELLS = 24

/** A bar of at most 24 cells, to eighths of a cell. */
export function bar(value: number, highest: number): string {
  if (highest <= 0 || value <= 0) return ''
  const eighths = Math.max(Math.round((value / highest) * CELLS * 8), 1)
  const rest = '▏▎▍▌▋▊▉'[(eighths % 8) - 1] ?? ''
  return '█'.repeat(Math.floor(eighths / 8)) + rest
}
