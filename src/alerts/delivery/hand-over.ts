import { and, asc, eq, lte, sql } from 'drizzle-orm'
import { z } from 'zod'
import { asking, type Ledger } from '../../ledger/ledger.ts'
import { alertDeliveries } from '../../ledger/schema.ts'
import type { QueueOf } from '../../queue/backend.ts'
import { DB_NOW } from './claim.ts'

/** The queue, and BullMQ's name of its jobs. */
export const ALERT_QUEUE = 'alerts'
const DELIVER = 'deliver'

export const DeliverJobSchema = z.object({ delivery: z.string() })
export type DeliverJob = z.infer<typeof DeliverJobSchema>
export type AlertQueue = QueueOf<DeliverJob>

const PAGE = 500
/** A job that BullMQ lost is handed in again after this, ms. */
const AGAIN_AFTER_MS = 30_000
// The largest that PostgreSQL's integer takes, too.
const FOR_EVER = 2 ** 31 - 1

/**
 * Hands deliveries that are due to the queue, from the rows that were written with their messages: what the queue loses
 * comes again, what it has already stays as it is.
 */
export function createHandOver(queue: AlertQueue, ledger: Ledger) {
  const handed = new Map<string, number>()
  return {
    /** @returns how many it has handed in. @throws {BursarError} LEDGER_UNAVAILABLE. */
    async run(nowMs: number): Promise<number> {
      const lookedMs = performance.now()
      const due = (await dueDeliveries(ledger, nowMs)).filter(
        (id) => lookedMs - (handed.get(id) ?? Number.NEGATIVE_INFINITY) > AGAIN_AFTER_MS,
      )
      await queue.addBulk(due.map(jobOf))
      for (const id of due) handed.set(id, lookedMs)
      for (const [id, atMs] of handed) if (lookedMs - atMs > AGAIN_AFTER_MS) handed.delete(id)
      return due.length
    },
  }
}

const jobOf = (delivery: string) => ({
  name: DELIVER,
  data: { delivery },
  opts: {
    // Again under the same id changes nothing.
    jobId: delivery,
    ...{ removeOnComplete: true, removeOnFail: true },
    // Of the database alone: what receivers do is counted by us.
    ...{ attempts: FOR_EVER, backoff: { type: 'fixed', delay: 2_000 } },
  },
})

async function dueDeliveries({ db }: Ledger, nowMs: number): Promise<string[]> {
  const rows = await asking(() =>
    db
      .select({ id: alertDeliveries.id })
      .from(alertDeliveries)
      .where(
        and(
          eq(alertDeliveries.state, 'waiting'),
          lte(alertDeliveries.dueAtMs, nowMs),
          sql`${alertDeliveries.claimedUntilMs} <= ${DB_NOW}`,
        ),
      )
      .orderBy(asc(alertDeliveries.dueAtMs), asc(alertDeliveries.id))
      .limit(PAGE),
  )
  return rows.map(({ id }) => id)
}
