import type { CreditCommand } from '../admission/credit-command.ts'
import { FOREVER_MS } from '../admission/plan-lines.ts'
import type { LedgerCredit } from './credits.ts'

/** What the slot is told of a credit, the first time and every other. */
export const creditCommand = (credit: LedgerCredit): CreditCommand => ({
  id: credit.id,
  amountNano: credit.revokedAtMs === null ? credit.amountNano : 0,
  untilMs: credit.untilMs ?? FOREVER_MS,
  policy: credit.policyVersion,
  line: {
    key: `${credit.budget}:${credit.window}`,
    startMs: credit.startMs,
    endMs: credit.endMs,
    limitNano: credit.limitNano,
    marks: credit.marks,
    ...(credit.warnOnly ? { warnOnly: true } : {}),
  },
})
