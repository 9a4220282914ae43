import { splitWindowKey } from '../../admission/outbox.ts'
import type { RebuiltWindow } from '../../admission/rebuild-command.ts'
import { timezoneOf } from '../../ledger/questions/window-forecast.ts'
import { tenantOf } from '../budget-facts.ts'
import { dayOf, type Finding } from '../finding.ts'
import type { AlertPlace } from '../place.ts'
import { alertsOf } from '../routes.ts'
import { severityOf } from '../severity.ts'

/** Counters that the books do not explain, by who compares them. Pure. */
export const differenceFindings = (
  wrong: readonly Pick<RebuiltWindow, 'key' | 'before' | 'after'>[],
  { policy, nowMs }: Pick<AlertPlace, 'policy' | 'nowMs'>,
): Finding[] =>
  wrong.map(({ key, before, after }) => {
    const { budget, window } = splitWindowKey(key)
    const money = { counterNano: before.spentNano, ledgerNano: after.spentNano }
    return {
      ...({ rule: 'ledger-difference', scope: `budget ${budget} ${window}` } as const),
      ...{ window: dayOf(nowMs), threshold: 0, budget, tenant: tenantOf(policy, budget) },
      severity: severityOf(alertsOf(policy), 'ledger-difference'),
      timezone: timezoneOf(policy, budget),
      facts: { rule: 'ledger-difference', budget, window, ...money },
    }
  })
