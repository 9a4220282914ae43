import type { CurveAnswer } from '../../admin/usage/curve.ts'
import type { AskedPeriod } from '../../admin/usage/question.ts'
import { TOLD, type UsageAnswer } from '../../admin/usage/spend.ts'
import { csvField } from '../../ledger/exports/csv.ts'
import type { CliContext } from '../command.ts'
import { printable } from '../report/printable.ts'
import { questionOf, type UsageFlags } from './flags.ts'
import { alignRight, bar, change, countText, fitted, sparkline, usdText } from './marks.ts'

const BAR_CHARS = 16
const CURVE_CHARS = 60

/** `bursar usage`: what was spent, by anything, beside the period before. */
export async function showSpend(flags: UsageFlags, context: CliContext): Promise<void> {
  const { usageCommand } = await import('../../admin/usage/spend.ts')
  const { ask } = await import('../place.ts')
  const question = { by: ['tenant'], ...questionOf(flags) }
  const answer = await ask(usageCommand, question, context)
  const { output } = context
  if (flags.json) return output.json(answer)
  if (flags.csv) return output.line(spendCsv(answer))
  output.line(periodWords(answer.period))
  if (answer.groups === 0) return output.line('nothing was spent or asked in this time')
  const { header, rows } = spendTable(answer)
  output.table(header, rows)
  const left = answer.groups - answer.rows.length
  if (left > 0) output.line(`and ${left} more, in the total: use --top to see them`)
  const { usageCurve } = await import('../../admin/usage/curve.ts')
  const curve = await ask(
    usageCurve,
    { ...question, by: [], grain: grainOf(answer.period) },
    context,
  )
  output.line()
  output.line(curveLine(curve))
}

/** What the table is about, and what was really added up where cubes are coarser than what was asked for. */
export function periodWords({ name, timezone, from, to, before }: AskedPeriod): string {
  const versus = before ? `, beside ${shortIso(before.from)} to ${shortIso(before.to)}` : ''
  return `${name}: ${shortIso(from)} to ${shortIso(to)}${versus}${timezone === 'UTC' ? '' : ` (${timezone})`}`
}

const shortIso = (iso: string): string => iso.replace(/:00\.000Z$/, 'Z').replace(/T00:00Z$/, '')

const LONG_MS = 3 * 86_400_000
const grainOf = ({ from, to }: AskedPeriod): 'hour' | 'day' =>
  Date.parse(to) - Date.parse(from) <= LONG_MS ? 'hour' : 'day'

const curveLine = ({ total, grain }: CurveAnswer): string => {
  const fit = fitted(total, CURVE_CHARS)
  const each =
    fit.length === total.length
      ? `each ${grain}`
      : `${Math.ceil(total.length / fit.length)} ${grain}s each`
  return `${sparkline(fit)}  ${each}, at most ${usdText(Math.max(...fit, 0))} USD`
}

export function spendTable({ by, rows, total }: UsageAnswer) {
  const most = Math.max(...rows.map(({ now }) => now.costNano))
  const names = by.length === 0 ? [''] : by
  const compared = total.before !== null
  const cells = ({ now, before }: UsageAnswer['total']) => [
    usdText(now.costNano),
    ...(compared
      ? [before ? usdText(before.costNano) : '-', change(now.costNano, before?.costNano)]
      : []),
    share(now.costNano, total.now.costNano),
    countText(now.requests),
    countText(now.calls),
    countText(tokensOf(now)),
    share(now.cached + now.joined, now.served),
  ]
  const lines = [
    [
      ...names.map((name) => name.toUpperCase()),
      'USD',
      ...(compared ? ['BEFORE', 'CHANGE'] : []),
      ...['SHARE', 'REQUESTS', 'CALLS', 'TOKENS', 'CACHED', ''],
    ],
    ...rows.map((row) => [
      ...row.group.map(nameOf),
      ...cells(row),
      bar(row.now.costNano, most, BAR_CHARS),
    ]),
    ['total', ...names.slice(1).map(() => ''), ...cells(total), ''],
  ]
  const [header = [], ...others] = alignRight(
    by.length === 0 ? lines.slice(0, 1).concat(lines.slice(-1)) : lines,
    names.length,
    1,
  )
  return { header, rows: others }
}

const tokensOf = (sums: UsageAnswer['total']['now']): number =>
  sums.inputTokens +
  sums.cachedInputTokens +
  sums.cacheWriteTokens +
  sums.outputTokens +
  sums.reasoningTokens

/** '' stands for what is not known, or not there. */
export const nameOf = (value: string): string => (value === '' ? '(none)' : printable(value))

const share = (part: number, whole: number): string =>
  whole === 0 ? '-' : `${Math.round((part / whole) * 100)}%`

/** One line per row; sums of the period before stand behind, under `before...`. */
function spendCsv({ by, rows, total }: UsageAnswer): string {
  const before = total.before === null ? [] : TOLD
  const header = [...by, ...TOLD, ...before.map((name) => `before.${name}`)]
  const lines = rows.map(({ group, now, before: former }) => [
    ...group,
    ...TOLD.map((name) => now[name]),
    ...before.map((name) => former?.[name] ?? 0),
  ])
  return [header, ...lines].map((line) => line.map(csvField).join(',')).join('\r\n')
}
