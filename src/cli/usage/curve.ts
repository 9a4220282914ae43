import type { CliContext } from '../command.ts'
import { questionOf, type UsageFlags } from './flags.ts'
import { bar, countText, sparkline, usdText } from './marks.ts'
import { nameOf, periodWords } from './spend.ts'
import { aligned, csvOf } from './tables.ts'

const MOST_CURVE = 50
const BAR_CHARS = 30

/** `bursar usage curve`: hour by hour to month by month. */
export async function showCurve(
  flags: UsageFlags & { readonly grain?: string; readonly measure?: string },
  context: CliContext,
): Promise<void> {
  const { usageCurve } = await import('../../admin/usage/curve.ts')
  const { ask } = await import('../place.ts')
  const { grain, measure } = flags
  const question = { ...questionOf(flags), ...(grain && { grain }), ...(measure && { measure }) }
  const answer = await ask(usageCurve, question, context)
  const { output } = context
  if (flags.json) return output.json(answer)
  if (flags.csv) {
    const lines = [{ group: ['total'], values: answer.total }, ...answer.lines]
    const header = ['start', ...lines.map(({ group }) => group.join(' '))]
    const rows = answer.starts.map((start, at) => [
      start,
      ...lines.map(({ values }) => values[at] ?? 0),
    ])
    return output.line(csvOf([header, ...rows]))
  }
  output.line(periodWords(answer.period))
  const text = answer.measure.endsWith('Nano') ? usdText : countText
  const most = Math.max(...answer.total, 0)
  const shown = answer.starts.slice(-MOST_CURVE)
  const skipped = answer.starts.length - shown.length
  if (skipped > 0) output.line(`(${skipped} earlier ones are left out: use --csv or --json)`)
  const table = aligned(
    [
      [answer.grain.toUpperCase(), answer.measure, ''],
      ...shown.map((start, at) => {
        const value = answer.total[at + skipped] ?? 0
        return [
          start.replace(/:00\.000Z$/, 'Z').replace(/T00:00Z$/, ''),
          text(value),
          bar(value, most, BAR_CHARS),
        ]
      }),
    ],
    1,
    1,
  )
  output.table(table.header, table.rows)
  for (const { group, values } of answer.lines) {
    output.line(`${sparkline(values)}  ${group.map(nameOf).join(' ')}`)
  }
}
