import type { SavedAnswer } from '../../admin/usage/saved.ts'
import type { CliContext } from '../command.ts'
import { printable } from '../report/printable.ts'
import { questionOf, type UsageFlags } from './flags.ts'
import { change, countText, usdText } from './marks.ts'
import { nameOf, periodWords } from './spend.ts'
import { aligned, csvOf, type Table } from './tables.ts'

/** `bursar usage saved`: what was not paid, and why. */
export async function showSaved(flags: UsageFlags, context: CliContext): Promise<void> {
  const { usageSaved } = await import('../../admin/usage/saved.ts')
  const { ask } = await import('../place.ts')
  const answer = await ask(usageSaved, questionOf(flags), context)
  const { output } = context
  if (flags.json) return output.json(answer)
  if (flags.csv) return output.line(savedCsv(answer))
  output.line(periodWords(answer.period))
  const { header, rows } = savedTable(answer)
  output.table(header, rows)
  const pairs = answer.steppedDown ?? []
  if (pairs.length === 0) return
  const steps = aligned(
    [
      ['ASKED FOR', 'SERVED BY', 'TIER', 'CALLS', 'LIST USD', 'WOULD BE', 'ABOUT SAVED'],
      ...pairs
        .slice(0, MOST_PAIRS)
        .map((pair) => [
          ...[printable(pair.asked), printable(pair.served), nameOf(pair.tier)],
          ...[countText(pair.calls), usdText(pair.listNano), usdText(pair.wouldNano)],
          usdText(pair.wouldNano - pair.listNano),
        ]),
    ],
    3,
  )
  output.line()
  output.line('Cheaper models answered, at today’s prices (an estimate):')
  output.table(steps.header, steps.rows)
}

const MOST_PAIRS = 10
const SAVED = [
  ...(['savedCachedNano', 'savedJoinedNano', 'savedEmbeddingsNano', 'savedNano'] as const),
]

function savedTable({ by, rows, total }: SavedAnswer): Table {
  const names = by.length === 0 ? [''] : by
  const cells = ({ now, before }: SavedAnswer['total']) => [
    ...SAVED.map((name) => (now[name] === null ? '-' : usdText(now[name]))),
    change(now.savedNano, before?.savedNano),
    usdText(now.costNano),
    now.served === 0 ? '-' : `${Math.round(((now.cached + now.joined) / now.served) * 100)}%`,
  ]
  const header = [
    ...names.map((name) => name.toUpperCase()),
    ...['CACHED', 'JOINED', 'EMBEDDINGS', 'SAVED USD', 'CHANGE', 'PAID USD', 'HIT RATE'],
  ]
  const body = rows.map((row) => [...row.group.map(nameOf), ...cells(row)])
  const last = ['total', ...names.slice(1).map(() => ''), ...cells(total)]
  return aligned([header, ...body, last], names.length)
}

function savedCsv({ by, rows, total }: SavedAnswer): string {
  const columns = [...SAVED, 'costNano', 'served', 'cached', 'joined'] as const
  const lines = by.length === 0 ? [{ group: [], now: total.now }] : rows
  return csvOf([
    [...by, ...columns],
    ...lines.map(({ group, now }) => [...group, ...columns.map((name) => now[name] ?? '')]),
  ])
}
