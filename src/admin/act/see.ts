import { hash } from 'node:crypto'
import { findWindow } from '../../admission/plan/find-windows.ts'
import { FOREVER_MS } from '../../admission/plan-lines.ts'
import type { LinkClaim } from '../../alerts/actions/link.ts'
import type { Money, Sight } from '../../alerts/actions/sight.ts'
import { type AlertRow, findAlert } from '../../alerts/book.ts'
import type { BudgetFacts, Grant } from '../../alerts/notice.ts'
import { tellAlert } from '../../alerts/templates/stories/alert.ts'
import { isBursarError } from '../../errors.ts'
import { type LedgerCredit, listCredits } from '../../ledger/credits.ts'
import { addNano } from '../../money/nano.ts'
import { queueError } from '../../queue/check-redis.ts'
import { type ParkTally, tallyParked } from '../../queue/park-tally.ts'
import type { Queues } from '../../queue/queues.ts'
import { policyInForce } from '../budget/policy-in-force.ts'
import { untilMsOf } from '../budget/views.ts'
import type { AdminPlace } from '../command.ts'

/** Id of the credit that a message may grant: the second time finds the first. */
export const creditOf = ({ message }: Pick<LinkClaim, 'message'>): string =>
  `c-${hash('sha256', `approved from ${message}`).slice(0, 26)}`

/**
 * What a link is about, as it stands now.
 * @returns null when nobody raised such an alert.
 * @throws {BursarError} LEDGER_UNAVAILABLE, STORE_UNAVAILABLE.
 */
export async function see(
  place: AdminPlace,
  claim: LinkClaim,
  nowMs: number,
): Promise<Sight | null> {
  const alert = await findAlert((await place.ledger()).db, claim.alert)
  if (!alert) return null
  const { severity, state, stateBy, stateAtMs, why, silencedUntilMs, timezone } = alert
  return {
    ...{ claim, severity, state, stateBy, stateAtMs, why, silencedUntilMs, timezone },
    title: tellAlert(alert.facts, 'raised', timezone).title,
    money: await moneyOf(place, claim, alert, nowMs),
  }
}

async function moneyOf(
  place: AdminPlace,
  claim: LinkClaim,
  { facts }: AlertRow,
  nowMs: number,
): Promise<Money | null> {
  if (!('effect' in facts)) return null
  const line = await lineOf(place, facts, nowMs)
  if (!line) return null
  const { budget, window } = facts
  const [state] = await (await place.slot()).peek([line.key])
  const all = await listCredits(await place.ledger(), budget, MOST_CREDITS)
  const credits = all.filter((one) => one.budget === budget && one.window === window)
  const used = credits.find(({ id }) => id === creditOf(claim))
  const { limitNano, spentNano = 0, heldNano = 0 } = state ?? line
  const parked = await parkedOf(place, line.key)
  const lacking = spentNano + heldNano + parked.mostNano - limitNano
  const neededNano = parked.jobs > 0 ? Math.max(0, lacking) : 0
  return {
    ...{ budget, window, limitNano, spentNano, heldNano, parked, neededNano },
    endMs: line.endMs >= FOREVER_MS ? null : line.endMs,
    // As much again as the policy gives, or what waits: more is an operator's to give.
    mostNano: Math.max(line.limitNano, neededNano),
    grants: credits.filter((one) => counts(one, nowMs)).map(grantOf),
    used: used ? grantOf(used) : null,
  }
}

const MOST_CREDITS = 200

/** @returns null when the window is over, or the policy has the budget no more. */
async function lineOf(place: AdminPlace, { budget, window }: BudgetFacts, nowMs: number) {
  try {
    return { ...findWindow(await policyInForce(place), budget, window, nowMs), ...NOTHING }
  } catch (error) {
    if (isBursarError(error, 'UNKNOWN_BUDGET') || isBursarError(error, 'INVALID_ARGUMENT')) {
      return null
    }
    throw error
  }
}

const NOTHING = { spentNano: 0, heldNano: 0 }

/** What waits for this very window, however many others work waits for. */
async function parkedOf(place: AdminPlace, key: string): Promise<Money['parked']> {
  const { windows } = await waitingIn(await place.queues())
  const jobs = windows.get(key) ?? []
  return { jobs: jobs.length, mostNano: jobs.reduce((sum, job) => addNano(sum, job.holdNano), 0) }
}

async function waitingIn(queues: Queues): Promise<ParkTally> {
  try {
    return await tallyParked(queues)
  } catch (error) {
    throw queueError(error)
  }
}

const counts = (credit: LedgerCredit, nowMs: number): boolean =>
  credit.revokedAtMs === null && untilMsOf(credit) > nowMs

const grantOf = ({ amountNano, grantedBy, reason, grantedAtMs, untilMs }: LedgerCredit): Grant => ({
  ...{ amountNano, by: grantedBy, reason, atMs: grantedAtMs, untilMs },
})
