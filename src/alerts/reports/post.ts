import { hash } from 'node:crypto'
import type { ReportPolicy } from '../../config/alert-types.ts'
import { lockMark, moveMark } from '../book.ts'
import { nextLocal } from '../local-time.ts'
import type { Notice, ReportFacts } from '../notice.ts'
import { alertsOf } from '../routes.ts'
import { postNotice } from '../tell.ts'
import { gatherReport, lastPeriod, type ReportPlace } from './gather.ts'

/**
 * Posts the reports whose time has come, each once however many processes look. Of several that are late, the newest
 * alone is made. @returns how many were posted. @throws {BursarError} LEDGER_UNAVAILABLE, STORE_UNAVAILABLE.
 */
export async function postReports(
  place: ReportPlace,
  every: ReportPolicy['every'],
): Promise<number> {
  const reports = alertsOf(place.policy).reports ?? []
  let posted = 0
  for (const report of reports) {
    if (report.every !== every || report.to.length === 0) continue
    if (await postOne(place, report)) posted += 1
  }
  return posted
}

/** From when on it is to be sent: its time of day on the first day after its period. */
function dueAt({ every, at }: ReportPolicy, { policy, nowMs }: ReportPlace): number {
  const { toMs } = lastPeriod(every, policy.timezone, nowMs)
  return nextLocal(at, policy.timezone, toMs)
}

const DAY_MS = 86_400_000

async function postOne(place: ReportPlace, report: ReportPolicy): Promise<boolean> {
  const { ledger, policy, nowMs } = place
  const dueMs = dueAt(report, place)
  if (dueMs > nowMs) return false
  const { toMs } = lastPeriod(report.every, policy.timezone, nowMs)
  const mark = `report ${report.every} ${whoseOf(report)}`
  const doneMs = await ledger.transaction((tx) => lockMark(tx, mark))
  if (doneMs >= toMs) return false
  // Wanted since a moment ago: it begins with the period that is under way.
  const isNew = doneMs === 0 && nowMs - dueMs > DAY_MS
  // Before the transaction: what is looked at in it would keep everybody waiting.
  const notice = isNew ? null : reportNotice(await gatherReport(place, report), report, place)
  return ledger.transaction(async (tx) => {
    if ((await lockMark(tx, mark)) >= toMs) return false
    await moveMark(tx, mark, toMs)
    return notice !== null && postNotice(tx, notice, null, { to: report.to, dueAtMs: nowMs })
  })
}

/** A report as a message. Made again for the same period it has the same id. */
export function reportNotice(
  facts: ReportFacts,
  report: Omit<ReportPolicy, 'at'>,
  { policy, nowMs }: Pick<ReportPlace, 'policy' | 'nowMs'>,
): Notice {
  const { timezone } = policy
  const { every, tenant } = report
  const day = new Intl.DateTimeFormat('en-CA', { timeZone: timezone }).format(facts.fromMs)
  const whose = whoseOf(report)
  return {
    id: `report-${every}-${day}-${whose}`,
    thread: `report-${every}-${whose}`,
    ...{ rule: 'report', severity: 'low', state: 'digest', tenant, window: day, threshold: 0 },
    scope: tenant === null ? 'everybody' : `tenant ${tenant}`,
    ...{ atMs: nowMs, timezone, facts: { ...facts, rule: 'report' }, links: [], test: false },
  }
}

/** Tells reports apart that are made at the same time. */
const whoseOf = ({ tenant, tag, to }: Omit<ReportPolicy, 'at' | 'every'>): string =>
  hash('sha256', JSON.stringify([tenant, tag, to])).slice(0, 12)
