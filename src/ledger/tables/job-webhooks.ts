import { sql } from 'drizzle-orm'
import { index, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { ms } from '../columns.ts'

/**
 * `waiting` = its job goes on; `due` = to be sent at `next_at_ms`; `delivered` and `failed` are ends, the second after
 * the last try.
 */
export const WEBHOOK_STATES = ['waiting', 'due', 'delivered', 'failed'] as const
export type WebhookState = (typeof WEBHOOK_STATES)[number]

/** Somebody is to be told of a job's end: written before the job is handed in. */
export const jobWebhooks = pgTable(
  'job_webhooks',
  {
    /** The `webhook-id`: the same for each try. */
    id: text().primaryKey(),
    job: text().notNull().unique(),
    /** As the policy names it. */
    endpoint: text().notNull(),
    state: text({ enum: WEBHOOK_STATES }).notNull().default('waiting'),
    createdAtMs: ms('created_at_ms').notNull(),
    /** The next look, or the next try. */
    nextAtMs: ms('next_at_ms').notNull(),
    /** Tries so far. */
    tries: integer().notNull().default(0),
    /** What is sent, as it is signed; null = the job goes on. */
    body: text(),
  },
  (t) => [index('job_webhooks_open').on(t.nextAtMs).where(sql`${t.state} in ('waiting', 'due')`)],
)

/** One try to tell it. Append-only. */
export const jobWebhookTries = pgTable(
  'job_webhook_tries',
  {
    id: text().notNull(),
    n: integer().notNull(),
    atMs: ms('at_ms').notNull(),
    tookMs: integer('took_ms').notNull(),
    /** What the endpoint answered; null = it did not. */
    status: integer(),
    /** Why it did not; null = it did. */
    error: text(),
  },
  (t) => [primaryKey({ columns: [t.id, t.n] })],
)
