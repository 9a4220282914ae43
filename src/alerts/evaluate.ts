import type { RuleName } from '../config/alert-types.ts'
import type { LedgerDb } from '../ledger/ledger.ts'
import { lockAlerts, lockMark, moveMark } from './book.ts'
import { postDigests } from './digest.ts'
import type { Finding } from './finding.ts'
import { observe } from './observe.ts'
import type { AlertPlace } from './place.ts'
import { raiseEvents } from './raise.ts'
import { alertsOf } from './routes.ts'
import { thresholdFindings, thresholdsAfter } from './rules/thresholds.ts'
import { tend } from './tend.ts'

const PAGE = 200
const THRESHOLDS = 'thresholds'

/**
 * Raises an alert for each budget threshold that was crossed since the last look. Any number of processes may look at the
 * same time: what one has raised, the others find done.
 * @returns how many somebody is told of. @throws {BursarError} LEDGER_UNAVAILABLE, STORE_UNAVAILABLE.
 */
export async function raiseThresholds(place: AlertPlace): Promise<number> {
  let raised = 0
  for (;;) {
    const fromId = await place.ledger.transaction((tx) => lockMark(tx, THRESHOLDS))
    const events = await thresholdsAfter(place.ledger.db, fromId, PAGE)
    const last = events.at(-1)
    if (!last) return raised
    // Before the transaction: what is looked at in it would keep everybody waiting.
    const findings = isOn(place, 'budget-threshold') ? await thresholdFindings(events, place) : []
    raised += await place.ledger.transaction(async (tx) => {
      await lockAlerts(tx)
      if ((await lockMark(tx, THRESHOLDS)) !== fromId) return 0
      await moveMark(tx, THRESHOLDS, last.id)
      return (await raiseEvents(tx, findings, alertsOf(place.policy), place.nowMs)).raised
    })
  }
}

/**
 * Takes over what rules found: what happened is raised once, and what is wrong stands until it is gone.
 * @param rules - those that were looked at.
 */
export const takeFindings = (
  { ledger, policy, nowMs }: AlertPlace,
  rules: readonly RuleName[],
  findings: readonly Finding[],
): Promise<{ readonly raised: number; readonly resolved: number }> =>
  ledger.transaction(async (tx) => {
    await lockAlerts(tx)
    const own = alertsOf(policy)
    const on = findings.filter(({ rule }) => own.rules[rule].enabled)
    const [events, states] = [on.filter(isEvent), on.filter((one) => !isEvent(one))]
    const happened = await raiseEvents(tx, events, own, nowMs)
    const standing = rules.filter((rule) => !EVENTS.includes(rule))
    const stood = await observe(tx, standing, states, own, nowMs)
    return { raised: happened.raised + stood.raised, resolved: stood.resolved }
  })

/** What has happened stays so; all else may be over again. */
const EVENTS: readonly RuleName[] = [
  'budget-threshold',
  'overrun',
  'price-change',
  'unpriced-model',
]
const isEvent = ({ rule }: Finding): boolean => EVENTS.includes(rule)

/** Reminders, escalations, ends and digests that are due. */
export const lookAfter = ({ ledger, policy, nowMs }: AlertPlace) =>
  ledger.transaction(async (tx) => {
    await lockAlerts(tx)
    const tended = await tend(tx, alertsOf(policy), nowMs)
    return { ...tended, digests: await postDigests(tx, alertsOf(policy), nowMs) }
  })

/** @returns whether this process is the one that looks now; nobody else does for `everyMs`. */
export const claimLook = (
  ledger: AlertPlace['ledger'],
  nowMs: number,
  everyMs: number,
): Promise<boolean> =>
  ledger.transaction(async (tx: LedgerDb) => {
    const lastMs = await lockMark(tx, 'look')
    if (nowMs - lastMs < everyMs) return false
    await moveMark(tx, 'look', nowMs)
    return true
  })

export const isOn = ({ policy }: Pick<AlertPlace, 'policy'>, rule: RuleName): boolean =>
  alertsOf(policy).rules[rule].enabled
