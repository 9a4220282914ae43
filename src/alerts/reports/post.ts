import { hash } from 'node:crypto'
import type { ReportPolicy } from '../../config/alert-types.ts'
import { lockMark, moveMark } from '../book.ts'
import { lastLocal } from '../local-time.ts'
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
    if (!isDue(report, place)) continue
    if (await postOne(place, report)) posted += 1
  }
  return posted
}

/** From its time of day on the first day after its period. */
function isDue({ every, at }: ReportPolicy, { policy, nowMs }: ReportPlace): boolean {
  const { toMs } = lastPeriod(every, policy.timezone, nowMs)
  return lastLocal(at, policy.timezone, nowMs, 'daily') >= toMs
}

async function postOne(place: ReportPlace, report: ReportPolicy): Promise<boolean> {
  const { ledger, policy, nowMs } = place
  const { toMs } = lastPeriod(report.every, policy.timezone, nowMs)
  const mark = `report ${report.every} ${report.tag} ${report.tenant ?? ''}`
  const doneMs = await ledger.transaction((tx) => lockMark(tx, mark))
  if (doneMs >= toMs) return false
  // Before the transaction: what is looked at in it would keep everybody waiting.
  const notice = reportNotice(await gatherReport(place, report), report, place)
  return ledger.transaction(async (tx) => {
    if ((await lockMark(tx, mark)) >= toMs) return false
    await moveMark(tx, mark, toMs)
    return postNotice(tx, notice, null, { to: report.to, dueAtMs: nowMs })
  })
}

/** A report as a message. Made again for the same period it has the same id. */
export function reportNotice(
  facts: ReportFacts,
  { every, tenant, tag }: Pick<ReportPolicy, 'every' | 'tenant' | 'tag'>,
  { policy, nowMs }: Pick<ReportPlace, 'policy' | 'nowMs'>,
): Notice {
  const { timezone } = policy
  const day = new Intl.DateTimeFormat('en-CA', { timeZone: timezone }).format(facts.fromMs)
  const whose = slug(`${tenant ?? 'all'} ${tag}`)
  return {
    id: `report-${every}-${day}-${whose}`,
    thread: `report-${every}-${whose}`,
    ...{ rule: 'report', severity: 'low', state: 'digest', tenant, window: day, threshold: 0 },
    scope: tenant === null ? 'everybody' : `tenant ${tenant}`,
    ...{ atMs: nowMs, timezone, facts: { ...facts, rule: 'report' }, links: [], test: false },
  }
}

/** Names are anybody's; an id is `[a-z0-9-]`, and different names stay different. */
function slug(name: string): string {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  return plain === name.replace(' ', '-') && plain.length <= 24
    ? plain
    : hash('sha256', name).slice(0, 16)
}
