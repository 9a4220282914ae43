import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { type Ledger, rowsOf } from '../ledger/ledger.ts'

/** What an auditor asks about, in days. */
export const ALERTS_KEPT_DAYS = 400

const Id = z.object({ id: z.string() })

/**
 * Forgets messages, with their deliveries and tries, and alerts that are over, with their history, that are older than an
 * instant. @returns how many messages and alerts. @throws {BursarError} LEDGER_UNAVAILABLE.
 */
export async function forgetAlerts({ db }: Pick<Ledger, 'db'>, beforeMs: number): Promise<number> {
  const notices = await rowsOf(
    db,
    Id,
    sql`
      with old as (delete from alert_notices where at_ms < ${beforeMs}::bigint returning id),
        sent as (delete from alert_deliveries where notice in (select id from old) returning id),
        tried as (delete from alert_tries where delivery in (select id from sent))
      select id from old`,
  )
  const alerts = await rowsOf(
    db,
    Id,
    sql`
      with old as (
        delete from alerts where state in ('resolved', 'passed-over') and state_at_ms < ${beforeMs}::bigint
        returning id
      ), told as (delete from alert_history where alert in (select id from old))
      select id from old`,
  )
  return notices.length + alerts.length
}
