import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { OUTCOMES } from '../../admission/outbox.ts'
import { SafeInteger } from '../columns.ts'
import { type Ledger, rowsOf } from '../ledger.ts'

/** How far somebody has read: nothing before it is told again. */
export interface LiveCursor {
  readonly endedAtMs: number
  readonly threshold: number
  readonly audit: number
}

const Ended = z.object({
  ...{ job: z.string(), outcome: z.enum(OUTCOMES), reason: z.string() },
  ...{ tenant: z.string().nullable(), user: z.string().nullable(), tier: z.string().nullable() },
  endedAtMs: SafeInteger,
})
const Crossed = z.object({
  ...{ id: SafeInteger, windowKey: z.string(), percent: z.number() },
  ...{ spentNano: SafeInteger, limitNano: SafeInteger, atMs: SafeInteger },
})
const Changed = z.object({
  ...{ id: SafeInteger, by: z.string(), action: z.string(), step: z.string(), atMs: SafeInteger },
})

/** Where whoever begins to listen now begins. Throws LEDGER_UNAVAILABLE, as below. */
export async function liveCursor({ db }: Pick<Ledger, 'db'>, nowMs: number): Promise<LiveCursor> {
  const Newest = z.object({ threshold: SafeInteger, audit: SafeInteger })
  const [newest] = await rowsOf(
    db,
    Newest,
    sql`
      select (select coalesce(max(id), 0) from threshold_events) as threshold,
        (select coalesce(max(id), 0) from audit) as audit`,
  )
  return { endedAtMs: nowMs, threshold: newest?.threshold ?? 0, audit: newest?.audit ?? 0 }
}

/** A request that ended. */
export type EndedRequest = Readonly<z.infer<typeof Ended>>

/**
 * Requests that ended after one, oldest first, at most `limit`.
 * @param last - the one before; job '' = from its instant on.
 */
export const endedAfter = (
  { db }: Pick<Ledger, 'db'>,
  last: Pick<EndedRequest, 'endedAtMs' | 'job'>,
  limit: number,
): Promise<EndedRequest[]> =>
  rowsOf(
    db,
    Ended,
    sql`
      select job, outcome, reason, tenant, user_id as "user", tier, ended_at_ms as "endedAtMs" from requests
      where ended_at_ms >= ${last.endedAtMs}::bigint
        and (ended_at_ms > ${last.endedAtMs}::bigint or job > ${last.job})
      order by ended_at_ms, job limit ${limit}`,
  )

/** Thresholds that were crossed after one, in their order. */
export const crossedSince = ({ db }: Pick<Ledger, 'db'>, id: number, limit: number) =>
  rowsOf(
    db,
    Crossed,
    sql`
      select id, window_key as "windowKey", percent, spent_nano as "spentNano", limit_nano as "limitNano",
        at_ms as "atMs"
      from threshold_events where id > ${id}::bigint order by id limit ${limit}`,
  )

/** Changes that ended after one, in their order. */
export const changedSince = ({ db }: Pick<Ledger, 'db'>, id: number, limit: number) =>
  rowsOf(
    db,
    Changed,
    sql`
      select id, by, action, step, at_ms as "atMs" from audit
      where id > ${id}::bigint and step <> 'asked' order by id limit ${limit}`,
  )
