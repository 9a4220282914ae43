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

/**
 * Cells of a bar that several values share, `cells` in all: by largest remainder, and at least one for each value above
 * zero.
 */
export function shares(values: readonly number[], cells: number): number[] {
  const total = values.reduce((sum, value) => sum + value, 0)
  if (total === 0) return values.map(() => 0)
  const exact = values.map((value) => (value / total) * cells)
  const whole = exact.map((share, at) => Math.max(Math.floor(share), values[at] ? 1 : 0))
  const rest = (at: number) => (exact[at] ?? 0) - (whole[at] ?? 0)
  for (let left = cells - whole.reduce((a, b) => a + b, 0); left !== 0; left -= Math.sign(left)) {
    const order = whole.map((_, at) => at).sort((a, b) => rest(b) - rest(a))
    const at = (left > 0 ? order[0] : order.at(-1)) ?? 0
    whole[at] = (whole[at] ?? 0) + Math.sign(left)
  }
  return whole
}
