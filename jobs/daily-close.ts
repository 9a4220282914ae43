import type { ClosePeriod } from '../src/ledger/tables/closes.ts'
import type { Runtime } from '../src/runtime.ts'
import {
  type ClosedFigures,
  closePeriods,
  completeUntil,
  openPeriods,
  timezonesOf,
} from '../src/schedule/closes.ts'
import type { TickedJob } from './runner.ts'

const DAY_MS = 86_400_000
/** Late settlements come within hours; what people confirm later is found by the monthly close. */
const LOOK_BACK_MS = 3 * DAY_MS

/** How far the closes of one kind look back, and whether they go on. */
export interface CloseRun {
  readonly per: ClosePeriod
  readonly backMs: number
  readonly signal: AbortSignal
}

/** Seals what ended in every timezone of the policy, and writes down what came late to what was sealed. */
export async function closeEverywhere(
  { ledger, store, rules, clock }: Runtime,
  { per, backMs, signal }: CloseRun,
): Promise<ClosedFigures> {
  const nowMs = clock.now()
  const completeUntilMs = await completeUntil(ledger, store.outbox, nowMs)
  let [sealed, adjusted] = [0, 0]
  for (const timezone of timezonesOf(rules.current().policy)) {
    const periods = await openPeriods(ledger, per, timezone, { nowMs, backMs })
    const closed = await closePeriods(ledger, {
      ...{ periods, completeUntilMs, signal },
      by: 'schedule',
    })
    sealed += closed.sealed
    adjusted += closed.adjusted
  }
  return { sealed, adjusted }
}

/** Days end at any half hour somewhere. */
export const dailyClose: TickedJob = {
  name: 'daily-close',
  about: 'seal the days that ended in each timezone of the policy; name what came late',
  schedule: '12,42 * * * *',
  missed: 'latest',
  limitMs: 1_200_000,
  async run(runtime, { signal }) {
    const closed = await closeEverywhere(runtime, { per: 'day', backMs: LOOK_BACK_MS, signal })
    return closed.sealed + closed.adjusted > 0 ? { ...closed } : undefined
  },
}
