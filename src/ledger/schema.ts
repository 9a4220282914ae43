import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
} from 'drizzle-orm/pg-core'
import { OUTCOMES, POSTING_KINDS, URGENCIES } from '../admission/outbox.ts'
import { OPERATIONS } from '../config/operations.ts'
import { count, ms, nano } from './columns.ts'

export * from './tables/access.ts'
export * from './tables/alerts.ts'
export * from './tables/audit.ts'
export * from './tables/closes.ts'
export * from './tables/credits.ts'
export * from './tables/cubes.ts'
export * from './tables/job-webhooks.ts'
export * from './tables/prices.ts'
export * from './tables/schedule.ts'
export * from './tables/window-forward.ts'

/** What an attempt's money is worth now: `unconfirmed` may still be corrected by a late bill. */
export const ENTRY_STATUSES = ['confirmed', 'unconfirmed', 'released'] as const
export type EntryStatus = (typeof ENTRY_STATUSES)[number]

/** How far the ledger has read which life of the slot. One row; its lock makes drains take turns. */
export const slot = pgTable(
  'slot',
  {
    id: integer().primaryKey().default(1),
    epoch: integer().notNull().default(0),
    /** Id of the last outbox entry in the ledger; '0' = none of this epoch. */
    watermark: text().notNull().default('0'),
    /** The process that fills the slot of this epoch before it opens; null = it is open, or nobody began. */
    reopener: text(),
    /** When the newest life began, and when it was opened; null = of the time before these were written. */
    beganAtMs: ms('began_at_ms'),
    openedAtMs: ms('opened_at_ms'),
  },
  (t) => [check('slot_is_one_row', sql`${t.id} = 1`)],
)

/**
 * Every change of what an attempt has booked, once. Append-only: the sums of all else come from here. Cut by month of
 * `admitted_at_ms`, as `entries` is, and `requests` by `ended_at_ms`: the instant is in the key because PostgreSQL wants it
 * there, and that one attempt has one instant is kept by whoever writes. (docs/decisions/0019)
 */
export const postings = pgTable(
  'postings',
  {
    attempt: text().notNull(),
    epoch: integer().notNull(),
    rev: integer().notNull(),
    kind: text({ enum: POSTING_KINDS }).notNull(),
    job: text().notNull(),
    n: integer().notNull(),
    deltaNano: nano('delta_nano').notNull(),
    bookedNano: nano('booked_nano').notNull(),
    holdNano: nano('hold_nano').notNull(),
    overrunNano: nano('overrun_nano').notNull(),
    /** `<budget>:<window>` of every budget of the chain, fixed at admission. */
    windows: text().array().notNull(),
    rung: integer().notNull(),
    /** Output tokens that the hold paid for. */
    cap: integer().notNull(),
    admittedAtMs: ms('admitted_at_ms').notNull(),
    postedAtMs: ms('posted_at_ms').notNull(),
    /** Outbox id. */
    seq: text().notNull(),
  },
  (t) => [
    primaryKey({
      name: 'postings_key',
      columns: [t.attempt, t.epoch, t.rev, t.admittedAtMs],
    }),
  ],
)

/** Who asked for what; null only for an orphan whose caller did not know. */
const asked = {
  tenant: text(),
  userId: text('user_id'),
  tier: text(),
  tags: jsonb().$type<Readonly<Record<string, string>>>(),
  operation: text({ enum: OPERATIONS }),
  urgency: text({ enum: URGENCIES }),
  modelRequested: text('model_requested'),
  enqueuedAtMs: ms('enqueued_at_ms'),
}

/** One row per attempt: the sum of its postings, and what its newest ones said of the call. */
export const entries = pgTable(
  'entries',
  {
    attempt: text().notNull(),
    job: text().notNull(),
    n: integer().notNull(),
    status: text({ enum: ENTRY_STATUSES }).notNull(),
    epoch: integer().notNull(),
    rev: integer().notNull(),
    seq: text().notNull(),
    /** Sum of `delta_nano` of all postings of the attempt. */
    costNano: nano('cost_nano').notNull(),
    holdNano: nano('hold_nano').notNull(),
    overrunNano: nano('overrun_nano').notNull(),
    windows: text().array().notNull(),
    rung: integer().notNull(),
    cap: integer().notNull(),
    admittedAtMs: ms('admitted_at_ms').notNull(),
    postedAtMs: ms('posted_at_ms').notNull(),
    ...asked,
    /** The rung that was held for. */
    model: text(),
    provider: text(),
    inputTokensHeld: count('input_tokens_held'),
    priceVersion: text('price_version'),
    policyVersion: integer('policy_version'),
    /** How the call ended; null when nobody who saw it has settled. */
    seen: text({ enum: ['answer', 'unbilled-error', 'aborted', 'unknown'] }),
    reason: text(),
    httpStatus: integer('http_status'),
    /** Five disjoint buckets: together every token of the call. */
    inputTokens: count('input_tokens'),
    cachedInputTokens: count('cached_input_tokens'),
    cacheWriteTokens: count('cache_write_tokens'),
    outputTokens: count('output_tokens'),
    reasoningTokens: count('reasoning_tokens'),
    listNano: nano('list_nano'),
    /** A lower estimate beside a booking of the whole hold. */
    noteNano: nano('note_nano'),
    servedModel: text('served_model'),
    serviceTier: text('service_tier'),
    providerRequestId: text('provider_request_id'),
    estimated: boolean(),
    startedAtMs: ms('started_at_ms'),
    endedAtMs: ms('ended_at_ms'),
  },
  (t) => [
    primaryKey({ name: 'entries_key', columns: [t.attempt, t.admittedAtMs] }),
    index('entries_by_job').on(t.job),
    index('entries_by_admission').on(t.admittedAtMs, t.attempt),
    index('entries_unconfirmed').on(t.admittedAtMs).where(sql`${t.status} = 'unconfirmed'`),
    index('entries_by_run')
      .on(sql`(tags->>'bursar.run')`)
      .where(sql`tags->>'bursar.run' is not null`),
  ],
)

/** One row per request that ended, with its final outcome. Its attempts are the entries of the same job. */
export const requests = pgTable(
  'requests',
  {
    job: text().notNull(),
    outcome: text({ enum: OUTCOMES }).notNull(),
    reason: text().notNull(),
    ...asked,
    endedAtMs: ms('ended_at_ms').notNull(),
    epoch: integer().notNull(),
    seq: text().notNull(),
    /** What kept answers had cost at list price when they were paid; null = none was used. */
    savedNano: nano('saved_nano'),
    /** Of the call that ended it; null = none did. */
    model: text(),
    provider: text(),
    serviceTier: text('service_tier'),
  },
  (t) => [
    primaryKey({ name: 'requests_key', columns: [t.job, t.endedAtMs] }),
    index('requests_by_end').on(t.endedAtMs),
  ],
)

/** Sum of postings per budget window, kept by the drain. */
export const windowTotals = pgTable(
  'window_totals',
  {
    budget: text().notNull(),
    window: text('window_id').notNull(),
    spentNano: nano('spent_nano').notNull(),
    rows: count().notNull(),
  },
  (t) => [primaryKey({ columns: [t.budget, t.window] })],
)

/** A budget window passed a percent of its limit: once for each. Alerts are raised from here. */
export const thresholdEvents = pgTable(
  'threshold_events',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    windowKey: text('window_key').notNull(),
    percent: integer().notNull(),
    spentNano: nano('spent_nano').notNull(),
    limitNano: nano('limit_nano').notNull(),
    atMs: ms('at_ms').notNull(),
  },
  (t) => [unique('threshold_once').on(t.windowKey, t.percent)],
)

/** A posting came again under its key with other content. The first one counts; each row here is a fault. */
export const ledgerConflicts = pgTable(
  'ledger_conflicts',
  {
    attempt: text().notNull(),
    epoch: integer().notNull(),
    rev: integer().notNull(),
    /** Outbox id of the refused one. */
    seq: text().notNull(),
    kept: jsonb().notNull(),
    refused: jsonb().notNull(),
    postedAtMs: ms('posted_at_ms').notNull(),
  },
  (t) => [primaryKey({ columns: [t.attempt, t.epoch, t.rev, t.seq] })],
)

/** Processes that may owe the slot something: a new life waits for the word of each that still beats. */
export const processes = pgTable('processes', {
  id: text().primaryKey(),
  /** What it is, for people: `worker`, `gateway`. */
  role: text().notNull(),
  startedAtMs: ms('started_at_ms').notNull(),
  /** By the database's clock. */
  beatAtMs: ms('beat_at_ms').notNull(),
  /** The newest epoch for which it has said all that it owes. */
  reportedEpoch: integer('reported_epoch').notNull().default(0),
})

/** What processes, and a slot that was rolled back, said they owe when an epoch began. Kept until the next one opens. */
export const reports = pgTable(
  'reports',
  {
    epoch: integer().notNull(),
    attempt: text().notNull(),
    process: text().notNull(),
    body: jsonb().notNull(),
  },
  (t) => [primaryKey({ columns: [t.epoch, t.attempt, t.process] })],
)

/** Allowances: each is one big hold of a process on one window. Usable only once its row is here. */
export const leases = pgTable(
  'leases',
  {
    id: text().primaryKey(),
    process: text().notNull(),
    /** `<budget>:<window>` */
    window: text('window_key').notNull(),
    amountNano: nano('amount_nano').notNull(),
    /** The life of the slot in which it was taken. */
    openedEpoch: integer('opened_epoch').notNull(),
    openedAtMs: ms('opened_at_ms').notNull(),
    expiresAtMs: ms('expires_at_ms').notNull(),
    /** null = it still holds what of it was not booked. */
    closedAtMs: ms('closed_at_ms'),
  },
  (t) => [index('leases_open').on(t.id).where(sql`${t.closedAtMs} is null`)],
)

/** Where a policy came from. */
export const POLICY_ORIGINS = ['file', 'applied'] as const
export type PolicyOrigin = (typeof POLICY_ORIGINS)[number]

/** Every policy that was ever in force, numbered from 1. */
export const policies = pgTable('policies', {
  version: integer().primaryKey(),
  /** SHA-256 of the canonical JSON, hex. */
  hash: text().notNull(),
  body: jsonb().notNull(),
  createdAtMs: ms('created_at_ms').notNull(),
  /** `file` = a process read it; `applied` = an operator sent it, and it stays in force until a file has another text. */
  origin: text({ enum: POLICY_ORIGINS }).notNull().default('file'),
})
