import type { WindowState } from '../../admission/commands.ts'
import { splitWindowKey } from '../../admission/outbox.ts'
import type { Policy } from '../../config/policy-types.ts'
import { type Forecast, forecast, HISTORY_HOURS } from '../../insight/forecast.ts'
import { HOUR_MS, type SpendHours } from '../../insight/spend-hours.ts'
import type { Ledger } from '../ledger.ts'
import { budgetFilters } from './budget-filters.ts'
import { spendHistory } from './history.ts'

const NOTHING = (atMs: number): SpendHours => ({ firstHourMs: atMs, nano: [] })

/**
 * What a budget window will have cost at its end, and when it runs dry, from what its subjects spent in four weeks.
 * What is held counts as spent. A budget that the cubes do not know apart is told with the basis `none`.
 * @param state - as the slot has it. Throws LEDGER_UNAVAILABLE.
 */
export async function windowForecast(
  ledger: Pick<Ledger, 'db'>,
  policy: Policy,
  state: WindowState,
  nowMs: number,
): Promise<Forecast> {
  const { budget } = splitWindowKey(state.key)
  const where = budgetFilters(policy, budget)
  const fromMs = nowMs - HISTORY_HOURS * HOUR_MS
  const history = where && (await spendHistory(ledger, { where, fromMs, untilMs: nowMs }))
  return forecast({
    history: history?.hours ?? NOTHING(nowMs),
    nowMs,
    window: { startMs: state.startMs, endMs: state.endMs },
    spentNano: state.spentNano + state.heldNano,
    limitNano: state.warnOnly ? null : state.limitNano,
    timezone: timezoneOf(policy, budget),
  })
}

/** In which timezone a budget's windows begin. */
export function timezoneOf(policy: Policy, budget: string): string {
  const [id = ''] = budget.split('/')
  const known = policy.budgets.find((one) => one.id === id)
  if (known) return known.timezone
  const tier = Object.values(policy.tiers).find(({ name }) => id === `tier.${name}`)
  return tier?.budget?.timezone ?? policy.timezone
}
