import type { NowAnswer } from '../../admin/usage/now.ts'
import type { CliContext } from '../command.ts'
import { printable } from '../report/printable.ts'
import { bar, grouped, usdText } from './marks.ts'
import { nameOf } from './spend.ts'
import { aligned } from './tables.ts'

interface NowFlags {
  readonly tenant?: string
  readonly tier?: string
  readonly json?: true
}

const BAR_CHARS = 10

/** `bursar usage now`: budgets and limits of a user. */
export async function showNow(
  user: string,
  { tenant, tier, json }: NowFlags,
  context: CliContext,
): Promise<void> {
  const { usageNow } = await import('../../admin/usage/now.ts')
  const { ask } = await import('../place.ts')
  const question = { user, ...(tenant && { tenant }), ...(tier && { tier }) }
  const answer = await ask(usageNow, question, context)
  const { output } = context
  if (json) return output.json(answer)
  output.line(`${nameOf(answer.user)} of ${nameOf(answer.tenant)}, tier ${nameOf(answer.tier)}`)
  const budgets = budgetsTable(answer)
  output.table(budgets.header, budgets.rows)
  if (answer.limits.length === 0) return
  output.line()
  const limits = limitsTable(answer)
  output.table(limits.header, limits.rows)
}

const budgetsTable = ({ budgets }: NowAnswer) =>
  aligned(
    [
      ['BUDGET', 'WINDOW', 'ENDS', 'SPENT', 'HELD', 'LIMIT', 'USED', ''],
      ...budgets.map((one) => [
        ...[printable(one.budget), one.window, one.endsAt.replace(/:\d\d\.\d+Z$/, 'Z')],
        ...[usdText(one.spentNano), usdText(one.heldNano)],
        one.warnOnly ? `${usdText(one.limitNano)} (warns)` : usdText(one.limitNano),
        one.usedPercent === null ? '-' : `${one.usedPercent}%`,
        bar(Math.min(one.usedPercent ?? 0, 100), 100, BAR_CHARS),
      ]),
    ],
    3,
    1,
  )

const limitsTable = ({ limits }: NowAnswer) =>
  aligned(
    [
      ['LIMIT', 'RESETS', 'LEFT', 'OF', ''],
      ...limits.map((one) => [
        ...[printable(one.limit), one.resetsAt.replace(/:\d\d\.\d+Z$/, 'Z')],
        ...[grouped(one.remaining), grouped(one.of), one.says],
      ]),
    ],
    2,
    1,
  )
