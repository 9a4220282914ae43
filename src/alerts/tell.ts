import { and, eq, gt, inArray, sql } from 'drizzle-orm'
import type { AlertPolicy } from '../config/alert-types.ts'
import { asking, type LedgerDb } from '../ledger/ledger.ts'
import { alertDeliveries, alertNotices, alerts } from '../ledger/schema.ts'
import type { AlertRow } from './book.ts'
import type { Notice, NoticeState } from './notice.ts'
import { dueAt } from './quiet.ts'
import { isDigested, recipients } from './routes.ts'

/** Whom and when. */
export interface Posting {
  /** Names of channels. */
  readonly to: readonly string[]
  readonly dueAtMs: number
}

/**
 * Writes a message and what is to be sent of it, in the transaction of whatever it tells. Again under the same id it
 * changes nothing.
 * @param alert - null = it is about several, or about nothing.
 * @returns whether it is new.
 */
export async function postNotice(
  tx: LedgerDb,
  notice: Notice,
  alert: string | null,
  { to, dueAtMs }: Posting,
): Promise<boolean> {
  const { id, atMs } = notice
  const made = await asking(() =>
    tx
      .insert(alertNotices)
      .values({ id, alert, body: notice, atMs })
      .onConflictDoNothing()
      .returning({ id: alertNotices.id }),
  )
  if (made.length === 0) return false
  const rows = [...new Set(to)].map((channel) => deliveryOf(id, channel, { dueAtMs, atMs }))
  if (rows.length > 0) await asking(() => tx.insert(alertDeliveries).values(rows))
  return true
}

/** A delivery that waits. */
export const deliveryOf = (
  notice: string,
  channel: string,
  { dueAtMs, atMs, insteadOf = null }: { dueAtMs: number; atMs: number; insteadOf?: string | null },
) => ({
  id: `${notice}.${channel}`,
  ...{ notice, channel, state: 'waiting' as const, dueAtMs, createdAtMs: atMs, insteadOf },
})

/**
 * Tells of an alert, unless all that it is comes in a digest.
 * @param to - names of channels; absent = whoever the routes say.
 * @returns the id of the message; null when nobody is told by it.
 */
export async function tell(
  tx: LedgerDb,
  policy: AlertPolicy,
  alert: AlertRow,
  state: Exclude<NoticeState, 'digest'>,
  nowMs: number,
  to: readonly string[] = recipients(policy, alert),
): Promise<string | null> {
  if (isDigested(policy, alert.severity) || to.length === 0) return null
  const [counted] = await asking(() =>
    tx
      .update(alerts)
      .set({ notices: sql`${alerts.notices} + 1`, toldAtMs: nowMs })
      .where(eq(alerts.id, alert.id))
      .returning(),
  )
  if (!counted) return null
  const notice = noticeOf(counted, state, nowMs)
  const dueAtMs = dueAt(policy, alert, nowMs)
  await postNotice(tx, notice, alert.id, { to, dueAtMs })
  return notice.id
}

/**
 * Takes back what of an alert was to be sent later, and nobody has seen: its quiet hours outlived it.
 * @returns whether there was anything.
 */
export async function takeBack(tx: LedgerDb, alert: string, nowMs: number): Promise<boolean> {
  const mine = tx
    .select({ id: alertNotices.id })
    .from(alertNotices)
    .where(eq(alertNotices.alert, alert))
  const held = await asking(() =>
    tx
      .update(alertDeliveries)
      .set({ state: 'passed', endedAtMs: nowMs })
      .where(
        and(
          ...[inArray(alertDeliveries.notice, mine), eq(alertDeliveries.state, 'waiting')],
          ...[eq(alertDeliveries.tries, 0), gt(alertDeliveries.dueAtMs, nowMs)],
        ),
      )
      .returning({ id: alertDeliveries.id }),
  )
  return held.length > 0
}

/** The message that an alert makes now. Its number is that of the newest message. */
export const noticeOf = (alert: AlertRow, state: NoticeState, nowMs: number): Notice => ({
  id: `${alert.id}-${alert.notices}`,
  thread: alert.id,
  ...{ rule: alert.rule, severity: alert.severity, state, scope: alert.scope },
  ...{ tenant: alert.tenant, window: alert.window, threshold: alert.threshold },
  ...{ atMs: nowMs, timezone: alert.timezone },
  facts: alert.facts,
  links: [],
  test: false,
})
