import { and, asc, desc, eq, inArray, ne } from 'drizzle-orm'
import { asking, type Ledger } from '../ledger/ledger.ts'
import { alertDeliveries, alertHistory, alerts, alertTries } from '../ledger/schema.ts'
import type { AlertRow } from './book.ts'

type Reader = Pick<Ledger, 'db'>
export type DeliveryRow = Readonly<typeof alertDeliveries.$inferSelect>
export type TryRow = Readonly<typeof alertTries.$inferSelect>
export type HistoryRow = Readonly<typeof alertHistory.$inferSelect>

/** Alerts, newest first. @param all - those that are over, too. Throws LEDGER_UNAVAILABLE, here and below. */
export const listAlerts = ({ db }: Reader, all: boolean, limit: number): Promise<AlertRow[]> =>
  asking(() =>
    db
      .select()
      .from(alerts)
      .where(
        all
          ? ne(alerts.state, 'passed-over')
          : inArray(alerts.state, ['open', 'acknowledged', 'silenced']),
      )
      .orderBy(desc(alerts.raisedAtMs), asc(alerts.id))
      .limit(limit),
  )

/** What became of an alert, oldest first. */
export const historyOf = ({ db }: Reader, alert: string): Promise<HistoryRow[]> =>
  asking(() =>
    db
      .select()
      .from(alertHistory)
      .where(eq(alertHistory.alert, alert))
      .orderBy(asc(alertHistory.id)),
  )

/** Deliveries, newest first. @param which - absent parts leave all in. */
export const listDeliveries = (
  { db }: Reader,
  which: { readonly notice?: string; readonly state?: DeliveryRow['state'] },
  limit: number,
): Promise<DeliveryRow[]> =>
  asking(() =>
    db
      .select()
      .from(alertDeliveries)
      .where(
        and(
          which.notice === undefined ? undefined : eq(alertDeliveries.notice, which.notice),
          which.state === undefined ? undefined : eq(alertDeliveries.state, which.state),
        ),
      )
      .orderBy(desc(alertDeliveries.createdAtMs), asc(alertDeliveries.id))
      .limit(limit),
  )

/** Every try of these deliveries, in their order. */
export const triesOf = ({ db }: Reader, deliveries: readonly string[]): Promise<TryRow[]> =>
  asking(() =>
    db
      .select()
      .from(alertTries)
      .where(inArray(alertTries.delivery, [...deliveries]))
      .orderBy(asc(alertTries.delivery), asc(alertTries.n)),
  )
