import type { Granted } from '../../admin/budget/grant.ts'
import type { BudgetList } from '../../admin/budget/list.ts'
import type { BudgetView, CreditView } from '../../admin/budget/views.ts'
import { formatUsd } from '../../money/usd.ts'
import type { Output } from '../output.ts'
import { printable } from '../report/printable.ts'

const toTheSecond = (iso: string | null): string => iso?.replace(/\.\d+Z$/, 'Z') ?? 'never'

/** Prints budgets as a table, and below it what was granted. */
export function showBudgets({ budgets, total, credits }: BudgetList, output: Output): void {
  if (total === 0 && credits.length === 0) {
    output.line('no such budget has a window open: bursar budget list shows all')
    return
  }
  output.table(
    ['BUDGET', 'WINDOW', 'LIMIT USD', 'CREDITS', 'SPENT', 'HELD', 'LEFT', 'USED', 'RESETS'],
    budgets.map(budgetRow),
  )
  if (total > budgets.length) output.line(`and ${total - budgets.length} more: use --limit`)
  if (credits.length === 0) return
  output.line()
  output.table(
    ['CREDIT', 'BUDGET', 'WINDOW', 'USD', 'STATE', 'UNTIL', 'BY', 'WHEN', 'REASON'],
    credits.map(creditRow),
  )
}

const budgetRow = (one: BudgetView): string[] => [
  ...[one.budget, one.window].map((name) => printable(name, 60)),
  one.warnOnly ? `${formatUsd(one.limitNano)} (warns)` : formatUsd(one.limitNano),
  one.creditNano === 0 ? '-' : formatUsd(one.creditNano),
  ...[one.spentNano, one.heldNano, one.leftNano].map(formatUsd),
  one.usedPercent === null ? '-' : `${one.usedPercent}%`,
  toTheSecond(one.resetsAt),
]

const creditRow = (one: CreditView): string[] => [
  one.id,
  ...[one.budget, one.window].map((name) => printable(name, 60)),
  formatUsd(one.amountNano),
  one.state,
  ...[one.until].map(toTheSecond),
  printable(one.grantedBy),
  toTheSecond(one.grantedAt),
  printable(one.reason, 60),
]

/** Prints what became of a grant or of its end. */
export function showGranted({ credit, window }: Granted, output: Output): void {
  const { id, budget, window: period, amountNano, state, until } = credit
  const what = `${formatUsd(amountNano)} USD on ${printable(budget)} for ${printable(period)}`
  output.line(
    state === 'revoked'
      ? `credit ${id} is revoked: ${what}`
      : `credit ${id}: ${what}, until ${toTheSecond(until)}`,
  )
  if (!window) {
    output.line("its time is over: the limit is the policy's")
    return
  }
  const { limitNano, spentNano, heldNano } = window
  const left = formatUsd(limitNano - spentNano - heldNano)
  output.line(`the limit is ${formatUsd(limitNano)} USD now, of which ${left} is left`)
}
