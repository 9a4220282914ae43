import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { type RequestMeta, RequestMetaSchema } from '../../admission/outbox.ts'
import { type Ledger, rowsOf } from '../ledger.ts'

const Row = RequestMetaSchema.extend({ job: z.string(), enqueuedAtMs: z.coerce.number().int() })

/** A request of which a call was given up, and no end is on record. */
export interface UnendedJob {
  readonly job: string
  readonly meta: RequestMeta
}

/**
 * Requests with a call whose hold expired, because nobody who saw its end settled it, and without an outcome: newest
 * first. Most of them are in the queue, for another try. Throws LEDGER_UNAVAILABLE.
 * @param fromMs - calls admitted before it are left out, UTC ms.
 */
export async function unendedJobs(
  { db }: Pick<Ledger, 'db'>,
  fromMs: number,
  limit: number,
): Promise<UnendedJob[]> {
  const rows = await rowsOf(
    db,
    Row,
    sql`
      select job, tenant, user_id as "user", tier, tags, operation, urgency, model_requested as "modelRequested",
        enqueued_at_ms as "enqueuedAtMs"
      from (
        select distinct on (job) * from entries
        where status = 'unconfirmed' and seen is null and admitted_at_ms >= ${fromMs}::bigint
          and tenant is not null
          and not exists (
            select 1 from requests where requests.job = entries.job and ended_at_ms >= ${fromMs}::bigint)
        order by job, admitted_at_ms desc
      ) given_up
      order by admitted_at_ms desc limit ${limit}`,
  )
  return rows.map(({ job, ...meta }) => ({ job, meta }))
}
