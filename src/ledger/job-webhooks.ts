import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { SafeInteger } from './columns.ts'
import { type Ledger, type LedgerDb, rowsOf, run } from './ledger.ts'
import { WEBHOOK_STATES } from './tables/job-webhooks.ts'

type Db = Pick<Ledger, 'db'>

/** Who is to be told of a job's end. */
export interface WantedWebhook {
  /** The `webhook-id`. */
  readonly id: string
  readonly job: string
  /** A channel of the policy. */
  readonly endpoint: string
}

/** Puts on record that somebody is to be told; again for the same job changes nothing. Throws LEDGER_UNAVAILABLE, as all here. */
export const wantWebhook = ({ db }: Db, wanted: WantedWebhook, nowMs: number): Promise<void> =>
  run(
    db,
    sql`
      insert into job_webhooks (id, job, endpoint, created_at_ms, next_at_ms)
      values (${wanted.id}, ${wanted.job}, ${wanted.endpoint}, ${nowMs}::bigint, ${nowMs}::bigint)
      on conflict (job) do nothing`,
  )

/** Takes back what was wanted of a job that was not handed in after all. */
export const dropWebhook = ({ db }: Db, id: string): Promise<void> =>
  run(db, sql`delete from job_webhooks where id = ${id} and state = 'waiting'`)

const Ended = z.object({
  ...{ id: z.string(), job: z.string(), outcome: z.string(), reason: z.string() },
  ...{ tenant: z.string().nullable(), user: z.string().nullable(), endedAtMs: SafeInteger },
})
/** A job that has ended, and whose webhook is still to be written. */
export type EndedJob = Readonly<z.infer<typeof Ended>>

/**
 * Writes the messages of jobs that the ledger knows to have ended, once among all processes.
 * @param write - the body, as it will be signed and sent each time.
 * @param forgetMs - how long one is waited for whose end never comes.
 * @returns how many are due now.
 */
export const writeDue = (
  ledger: Ledger,
  write: (ended: EndedJob) => string,
  { nowMs, limit, forgetMs }: { nowMs: number; limit: number; forgetMs: number },
): Promise<number> =>
  ledger.transaction(async (tx) => {
    const ended = await rowsOf(
      tx,
      Ended,
      sql`
        select w.id, w.job, r.outcome, r.reason, r.tenant, r.user_id as "user", r.ended_at_ms as "endedAtMs"
        from job_webhooks w join requests r on r.job = w.job
        where w.state = 'waiting' order by w.next_at_ms limit ${limit} for update of w skip locked`,
    )
    for (const one of ended) {
      await run(
        tx,
        sql`
          update job_webhooks set state = 'due', next_at_ms = ${nowMs}::bigint, body = ${write(one)}
          where id = ${one.id}`,
      )
    }
    await run(
      tx,
      sql`
        update job_webhooks set state = 'failed'
        where state = 'waiting' and next_at_ms < ${nowMs - forgetMs}::bigint`,
    )
    return ended.length
  })

const Due = z.object({
  ...{ id: z.string(), job: z.string(), endpoint: z.string(), body: z.string() },
  /** The one that begins included. */
  tries: z.number(),
})
export type DueWebhook = Readonly<z.infer<typeof Due>>

/**
 * Takes messages to be sent; nobody else has them until `leaseMs` is over. Whoever dies meanwhile leaves them to be sent
 * again under the same id.
 */
export const takeDue = (
  { db }: Db,
  { nowMs, leaseMs, limit }: { nowMs: number; leaseMs: number; limit: number },
): Promise<DueWebhook[]> =>
  rowsOf(
    db,
    Due,
    sql`
      update job_webhooks set tries = tries + 1, next_at_ms = ${nowMs + leaseMs}::bigint
      where id in (
        select id from job_webhooks where state = 'due' and next_at_ms <= ${nowMs}::bigint
        order by next_at_ms limit ${limit} for update skip locked)
      returning id, job, endpoint, body, tries`,
  )

/** What became of one try. */
export interface WebhookTry {
  readonly atMs: number
  readonly tookMs: number
  /** null = no answer came. */
  readonly status: number | null
  /** null = it was accepted. */
  readonly error: string | null
}

/** @param nextAtMs - when it is tried again; null = it is over. */
export const endTry = (
  ledger: Ledger,
  { id, tries }: Pick<DueWebhook, 'id' | 'tries'>,
  { atMs, tookMs, status, error }: WebhookTry,
  nextAtMs: number | null,
): Promise<void> =>
  ledger.transaction(async (tx: LedgerDb) => {
    await run(
      tx,
      sql`
        insert into job_webhook_tries (id, n, at_ms, took_ms, status, error)
        values (${id}, ${tries}, ${atMs}::bigint, ${tookMs}, ${status}, ${error})
        on conflict do nothing`,
    )
    const state = error === null ? 'delivered' : nextAtMs === null ? 'failed' : 'due'
    await run(
      tx,
      sql`
        update job_webhooks set state = ${state}, next_at_ms = ${nextAtMs ?? atMs}::bigint
        where id = ${id} and state = 'due'`,
    )
  })

const Listed = z.object({
  ...{ id: z.string(), job: z.string(), endpoint: z.string() },
  state: z.enum(WEBHOOK_STATES),
  ...{ createdAtMs: SafeInteger, nextAtMs: SafeInteger },
  tries: z.array(
    z.object({
      ...{ n: z.number(), atMs: z.number(), tookMs: z.number() },
      ...{ status: z.number().nullable(), error: z.string().nullable() },
    }),
  ),
})
export type ListedWebhook = Readonly<z.infer<typeof Listed>>

/** Webhooks with their tries, newest first. @param state - null = of any. */
export const listWebhooks = (
  { db }: Db,
  { state, limit }: { state: ListedWebhook['state'] | null; limit: number },
): Promise<ListedWebhook[]> =>
  rowsOf(
    db,
    Listed,
    sql`
      select w.id, w.job, w.endpoint, w.state, w.created_at_ms as "createdAtMs", w.next_at_ms as "nextAtMs",
        coalesce((
          select json_agg(json_build_object('n', t.n, 'atMs', t.at_ms, 'tookMs', t.took_ms, 'status', t.status,
            'error', t.error) order by t.n)
          from job_webhook_tries t where t.id = w.id), '[]'::json) as tries
      from job_webhooks w
      where ${state === null ? sql`true` : sql`w.state = ${state}`}
      order by w.created_at_ms desc, w.id limit ${limit}`,
  )
