import type { UnitsAnswer } from '../../admin/usage/units.ts'
import type { CliContext } from '../command.ts'
import { questionOf, type UsageFlags } from './flags.ts'
import { change, countText, grouped, usdText } from './marks.ts'
import { nameOf, periodWords } from './spend.ts'
import { aligned, csvOf, type Table } from './tables.ts'

/** `bursar usage units`: what one request, 1,000 tokens and a user cost. */
export async function showUnits(flags: UsageFlags, context: CliContext): Promise<void> {
  const { usageUnits } = await import('../../admin/usage/units.ts')
  const { ask } = await import('../place.ts')
  const answer = await ask(usageUnits, questionOf(flags), context)
  const { output } = context
  if (flags.json) return output.json(answer)
  if (flags.csv) return output.line(unitsCsv(answer))
  output.line(periodWords(answer.period))
  const { header, rows } = unitsTable(answer)
  output.table(header, rows)
}

const UNITS = ['perRequestNano', 'perThousandTokensNano', 'perUserNano'] as const

function unitsTable({ by, rows, total }: UnitsAnswer): Table {
  const names = by.length === 0 ? [''] : by
  const cells = ({ now, before }: UnitsAnswer['total']) => [
    usdText(now.costNano),
    ...UNITS.flatMap((unit) => {
      const value = now[unit]
      const former = before?.[unit] ?? undefined
      return [value === null ? '-' : usdText(value), value === null ? '-' : change(value, former)]
    }),
    countText(now.served),
    now.users === null ? '-' : grouped(now.users),
  ]
  const header = [
    ...names.map((name) => name.toUpperCase()),
    ...['USD', 'A REQUEST', '', '1K TOKENS', '', 'A USER', '', 'REQUESTS', 'USERS'],
  ]
  const body = rows.map((row) => [...row.group.map(nameOf), ...cells(row)])
  const last = ['total', ...names.slice(1).map(() => ''), ...cells(total)]
  return aligned([header, ...body, last], names.length)
}

function unitsCsv({ by, rows, total }: UnitsAnswer): string {
  const columns = ['costNano', 'served', 'tokens', 'users', ...UNITS] as const
  const lines = by.length === 0 ? [{ group: [], now: total.now }] : rows
  return csvOf([
    [...by, ...columns],
    ...lines.map(({ group, now }) => [...group, ...columns.map((name) => now[name] ?? '')]),
  ])
}
