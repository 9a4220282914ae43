import { and, gt, inArray, ne } from 'drizzle-orm'
import type { AlertPolicy, DigestPolicy, Severity } from '../config/alert-types.ts'
import { asking, type LedgerDb } from '../ledger/ledger.ts'
import { alerts } from '../ledger/schema.ts'
import { type AlertRow, lockMark, moveMark } from './book.ts'
import { lastLocal } from './local-time.ts'
import { type DigestItem, type Notice, SEVERITIES } from './notice.ts'
import { postNotice } from './tell.ts'

const DAY_MS = 86_400_000
/** A message is to be read; the rest is on the dashboard. */
const MOST_ITEMS = 50

/**
 * Posts the digests whose time has come since the last look, one for each timezone that has something to tell. In a
 * transaction that holds `lockAlerts`.
 * @returns how many.
 */
export async function postDigests(
  tx: LedgerDb,
  policy: AlertPolicy,
  nowMs: number,
): Promise<number> {
  let posted = 0
  for (const digest of policy.digests) {
    if (digest.to.length === 0) continue
    const spanMs = (digest.every === 'weekly' ? 7 : 1) * DAY_MS
    const recent = await raisedSince(tx, digest.severities, nowMs - 2 * spanMs - DAY_MS)
    for (const [timezone, found] of byTimezone(recent)) {
      if (await postOne(tx, digest, { timezone, found, nowMs })) posted += 1
    }
  }
  return posted
}

interface Zone {
  readonly timezone: string
  readonly found: readonly AlertRow[]
  readonly nowMs: number
}

async function postOne(
  tx: LedgerDb,
  digest: DigestPolicy,
  { timezone, found, nowMs }: Zone,
): Promise<boolean> {
  const toMs = lastLocal(digest.at, timezone, nowMs, digest.every)
  const mark = `digest ${digest.every} ${timezone}`
  const doneMs = await lockMark(tx, mark)
  if (doneMs >= toMs) return false
  await moveMark(tx, mark, toMs)
  const fromMs = doneMs || lastLocal(digest.at, timezone, toMs - 1, digest.every)
  const told = found.filter(({ raisedAtMs }) => raisedAtMs > fromMs && raisedAtMs <= toMs)
  if (told.length === 0) return false
  const span = { fromMs, toMs, every: digest.every }
  const notice = digestOf(told, { ...span, timezone, nowMs })
  return postNotice(tx, notice, null, { to: digest.to, dueAtMs: nowMs })
}

interface Span extends Pick<Zone, 'timezone' | 'nowMs'> {
  readonly fromMs: number
  readonly toMs: number
  readonly every: 'daily' | 'weekly'
}

function digestOf(told: readonly AlertRow[], { timezone, nowMs, ...span }: Span): Notice {
  const worst = told.map(({ severity }) => severity).toSorted(bySeverity)[0] ?? 'low'
  const items = told
    .toSorted((a, b) => bySeverity(a.severity, b.severity) || b.raisedAtMs - a.raisedAtMs)
    .slice(0, MOST_ITEMS)
    .map(itemOf)
  const day = new Date(span.toMs).toISOString().slice(0, 10)
  const place = timezone
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
  return {
    id: `digest-${span.every}-${day}-${place}`,
    thread: `digest-${span.every}-${place}`,
    ...{ rule: 'digest', severity: worst, state: 'digest', scope: `${span.every} digest` },
    ...{ tenant: null, window: day, threshold: 0, atMs: nowMs, timezone },
    facts: { rule: 'digest', ...span, items, more: told.length - items.length },
    links: [],
    test: false,
  }
}

const bySeverity = (a: Severity, b: Severity): number =>
  SEVERITIES.indexOf(b) - SEVERITIES.indexOf(a)

const itemOf = ({ severity, state, raisedAtMs, scope, facts }: AlertRow): DigestItem => ({
  ...{ severity, raisedAtMs, scope, facts },
  state: state === 'passed-over' ? 'resolved' : state,
})

const raisedSince = (
  tx: LedgerDb,
  severities: readonly Severity[],
  sinceMs: number,
): Promise<AlertRow[]> =>
  asking(() =>
    tx
      .select()
      .from(alerts)
      .where(
        and(
          ...[inArray(alerts.severity, [...severities]), gt(alerts.raisedAtMs, sinceMs)],
          ne(alerts.state, 'passed-over'),
        ),
      )
      .orderBy(alerts.raisedAtMs),
  )

function byTimezone(found: readonly AlertRow[]): Map<string, AlertRow[]> {
  const zones = new Map<string, AlertRow[]>()
  for (const alert of found) {
    zones.set(alert.timezone, [...(zones.get(alert.timezone) ?? []), alert])
  }
  return zones
}
