import type { ForecastAnswer, WindowForecast } from '../../admin/usage/forecast.ts'
import type { CliContext } from '../command.ts'
import { printable } from '../report/printable.ts'
import { usdText } from './marks.ts'
import { aligned, type Table } from './tables.ts'

interface ForecastFlags {
  readonly budget?: string
  readonly top?: number
  readonly json?: true
}

/** `bursar usage forecast`: how windows end, and when they run dry. */
export async function showForecast(
  { budget, top, json }: ForecastFlags,
  context: CliContext,
): Promise<void> {
  const { usageForecast } = await import('../../admin/usage/forecast.ts')
  const { ask } = await import('../place.ts')
  const question = { ...(budget && { budget }), ...(top && { top }) }
  const answer = await ask(usageForecast, question, context)
  const { output } = context
  if (json) return output.json(answer)
  if (answer.open === 0) return output.line('no such budget window is open now')
  const { header, rows } = forecastTable(answer)
  output.table(header, rows)
  output.line('The truth lies within the range eight times of ten; a short history makes it wide.')
}

const forecastTable = ({ windows }: ForecastAnswer): Table =>
  aligned(
    [
      ['BUDGET', 'WINDOW', 'ENDS', 'RUNS DRY', 'RESTS ON', 'SPENT', 'LIMIT', 'AT ITS END', 'RANGE'],
      ...windows.map((one) => [
        ...[printable(one.budget), printable(one.window), minuteOf(one.endsAt), dryWords(one)],
        ...[basisWords(one), usdText(one.spentNano)],
        one.warnOnly ? `${usdText(one.limitNano)} (warns)` : usdText(one.limitNano),
        one.basis === 'none' ? '-' : usdText(one.expectedNano),
        one.basis === 'none' ? '-' : `${usdText(one.lowNano)} to ${usdText(one.highNano)}`,
      ]),
    ],
    5,
  )

const minuteOf = (iso: string): string => iso.replace(/:\d\d\.\d+Z$/, 'Z')

function dryWords({ runsDryAt, runsDryEarliestAt, basis }: WindowForecast): string {
  if (basis === 'none') return '-'
  if (runsDryAt !== null) return minuteOf(runsDryAt)
  return runsDryEarliestAt === null ? 'no' : `perhaps ${minuteOf(runsDryEarliestAt)}`
}

const BASIS_WORDS = {
  none: 'nothing',
  rate: 'a rate',
  day: 'hours of day',
  week: 'hours of week',
} as const
const basisWords = ({ basis, historyHours }: WindowForecast): string =>
  basis === 'none'
    ? BASIS_WORDS.none
    : `${BASIS_WORDS[basis]}, ${Math.max(1, Math.round(historyHours / 24))} d`
