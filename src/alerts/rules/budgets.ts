import type { WindowState } from '../../admission/commands.ts'
import { splitWindowKey } from '../../admission/outbox.ts'
import { burnOf, USUAL_HOURS } from '../../insight/burn.ts'
import { HOUR_MS } from '../../insight/spend-hours.ts'
import { budgetFilters } from '../../ledger/questions/budget-filters.ts'
import { spendHistory } from '../../ledger/questions/history.ts'
import { timezoneOf, windowForecast } from '../../ledger/questions/window-forecast.ts'
import { bareFacts, budgetFacts, tenantOf } from '../budget-facts.ts'
import type { World } from '../place.ts'
import type { Found, Rule } from './rule.ts'

/** Windows that are looked at, the fullest first: each costs a question to the ledger. */
const MOST_WINDOWS = 100
const PAGE = 500
/** A minute or an hour is over before anybody reads of its end. */
const LONG: readonly string[] = ['day', 'week', 'month', 'year']
/** Of the time of a window: before it, its end is anybody's guess. */
const LEAST_PERCENT = 5
/** Of the limit, in an hour: less is no news. */
const WORTH_PERCENT = 1

/** A budget window will end above its limit if all goes on as it does. */
export const projectedOverrun: Rule = {
  name: 'projected-overrun',
  async look(world, above) {
    const { ledger, policy, nowMs } = world
    const found: Found[] = []
    for (const state of await openWindows(world)) {
      const { per, timePercent } = bareFacts(policy, state, nowMs)
      // What is used up already was told of when it was.
      if (!LONG.includes(per) || (timePercent ?? 0) < LEAST_PERCENT) continue
      if (state.warnOnly || state.spentNano >= state.limitNano) continue
      const told = await windowForecast(ledger, policy, state, nowMs)
      if (told.basis === 'none' || told.expectedNano * 100 <= state.limitNano * above) continue
      const facts = await budgetFacts(world, state)
      found.push(about(world, state, { rule: 'projected-overrun', ...facts }))
    }
    return found
  },
}

/** A budget spends far more than is usual for this hour. */
export const burnRate: Rule = {
  name: 'burn-rate',
  async look(world, above) {
    const found: Found[] = []
    for (const state of await openWindows(world)) {
      const burn = await burnOfBudget(world, state)
      const { hourNano = 0, usualNano = null, ratio = null } = burn ?? {}
      if (ratio === null || usualNano === null || ratio <= above) continue
      if (hourNano * 100 < state.limitNano * WORTH_PERCENT) continue
      const facts = await budgetFacts(world, state)
      const usual = Math.round(usualNano)
      found.push(about(world, state, { rule: 'burn-rate', hourNano, usualNano: usual, ...facts }))
    }
    return found
  },
}

async function burnOfBudget({ ledger, policy, nowMs }: World, { key }: WindowState) {
  const { budget } = splitWindowKey(key)
  const where = budgetFilters(policy, budget)
  if (!where) return null
  const fromMs = nowMs - USUAL_HOURS * HOUR_MS
  const { hours, hourNano } = await spendHistory(ledger, { where, fromMs, untilMs: nowMs })
  if (hourNano === null) return null
  return burnOf({ history: hours, nowMs, hourNano, timezone: timezoneOf(policy, budget) })
}

async function openWindows({ slot, nowMs }: World): Promise<WindowState[]> {
  const keys = await slot.windows()
  const open: WindowState[] = []
  for (let at = 0; at < keys.length; at += PAGE) {
    const states = await slot.peek(keys.slice(at, at + PAGE))
    open.push(...states.filter((state) => state !== null).filter((one) => isOpen(one, nowMs)))
  }
  return open.toSorted((a, b) => fullness(b) - fullness(a)).slice(0, MOST_WINDOWS)
}

const isOpen = ({ startMs, endMs, limitNano }: WindowState, nowMs: number): boolean =>
  startMs <= nowMs && nowMs < endMs && limitNano > 0

const fullness = ({ spentNano, heldNano, limitNano }: WindowState): number =>
  (spentNano + heldNano) / limitNano

function about({ policy }: World, { key }: WindowState, facts: Found['facts']): Found {
  const { budget, window } = splitWindowKey(key)
  const timezone = timezoneOf(policy, budget)
  return {
    ...{ scope: `budget ${budget}`, window, budget, timezone, facts },
    tenant: tenantOf(policy, budget),
  }
}
