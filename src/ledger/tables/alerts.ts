import {
  bigint,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
} from 'drizzle-orm/pg-core'
import type { Facts, Notice } from '../../alerts/notice.ts'
import { RULES, SEVERITIES } from '../../config/alert-types.ts'
import { ms } from '../columns.ts'

/** `passed-over`: a higher threshold was crossed at the same time, and that one is told. */
export const ALERT_STATES = ['open', 'acknowledged', 'silenced', 'resolved', 'passed-over'] as const
export type AlertState = (typeof ALERT_STATES)[number]

/** Everything that was found, once per rule, scope, window and threshold (law 8). */
export const alerts = pgTable(
  'alerts',
  {
    /** Made of the four below: whoever finds the same makes the same. */
    id: text().primaryKey(),
    rule: text({ enum: RULES }).notNull(),
    scope: text().notNull(),
    window: text('window_id').notNull(),
    threshold: doublePrecision().notNull(),
    severity: text({ enum: SEVERITIES }).notNull(),
    /** null = of nobody in particular. */
    tenant: text(),
    /** Budget by its id in the policy; null = it is about none. */
    budget: text(),
    timezone: text().notNull(),
    state: text({ enum: ALERT_STATES }).notNull(),
    /** What was found last. */
    facts: jsonb().$type<Exclude<Facts, { rule: 'digest' | 'report' }>>().notNull(),
    raisedAtMs: ms('raised_at_ms').notNull(),
    /** When the state began, who brought it about (`bursar` = nobody) and why. */
    stateAtMs: ms('state_at_ms').notNull(),
    stateBy: text('state_by').notNull(),
    why: text().notNull(),
    silencedUntilMs: ms('silenced_until_ms'),
    /** Since when its cause is gone; null = it is there, or was an event. */
    clearSinceMs: ms('clear_since_ms'),
    /** Messages made so far; numbers the next one. */
    notices: integer().notNull(),
    toldAtMs: ms('told_at_ms'),
    escalatedAtMs: ms('escalated_at_ms'),
  },
  (t) => [
    unique('alert_once').on(t.rule, t.scope, t.window, t.threshold),
    index('alerts_by_raise').on(t.raisedAtMs),
    index('alerts_by_state').on(t.state),
  ],
)

/** What became of each alert, and who did it. Append-only. */
export const alertHistory = pgTable(
  'alert_history',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    alert: text().notNull(),
    what: text().notNull(),
    by: text().notNull(),
    why: text().notNull(),
    atMs: ms('at_ms').notNull(),
  },
  (t) => [index('alert_history_by_alert').on(t.alert, t.id)],
)

/** Messages, written together with what they tell of. */
export const alertNotices = pgTable(
  'alert_notices',
  {
    id: text().primaryKey(),
    /** null = it is about several (a digest), or about nothing (a trial). */
    alert: text(),
    body: jsonb().$type<Notice>().notNull(),
    atMs: ms('at_ms').notNull(),
  },
  (t) => [index('alert_notices_by_time').on(t.atMs)],
)

/** `passed` = its alert ended before it was sent. */
export const DELIVERY_STATES = ['waiting', 'sent', 'failed', 'passed'] as const
export type DeliveryState = (typeof DELIVERY_STATES)[number]

/** A message to one channel: an outbox, written in the transaction of its message. */
export const alertDeliveries = pgTable(
  'alert_deliveries',
  {
    /** `<notice>.<channel>`; also the id of its job. */
    id: text().primaryKey(),
    notice: text().notNull(),
    channel: text().notNull(),
    state: text({ enum: DELIVERY_STATES }).notNull(),
    /** Not sent before; quiet hours and failures move it. */
    dueAtMs: ms('due_at_ms').notNull(),
    /** Whoever sends has it alone until then, by the database's clock. */
    claimedUntilMs: ms('claimed_until_ms').notNull().default(0),
    tries: integer().notNull().default(0),
    /** Its place in a channel that takes one message a second, by the database's clock. */
    turnAtMs: ms('turn_at_ms'),
    lastError: text('last_error'),
    /** The delivery that failed for good and that this one stands for. */
    insteadOf: text('instead_of'),
    createdAtMs: ms('created_at_ms').notNull(),
    endedAtMs: ms('ended_at_ms'),
  },
  (t) => [
    unique('delivery_once').on(t.notice, t.channel),
    index('deliveries_due').on(t.state, t.dueAtMs),
  ],
)

/**
 * How a try ended. `unknown`: the receiver may have it, since its answer was cut or whoever sent it died; only then may
 * it come twice.
 */
export const TRY_OUTCOMES = ['accepted', 'refused', 'unknown'] as const
export type TryOutcome = (typeof TRY_OUTCOMES)[number]

/** Every try, written before it is made: one without an end is `unknown`. */
export const alertTries = pgTable(
  'alert_tries',
  {
    delivery: text().notNull(),
    n: integer().notNull(),
    process: text().notNull(),
    atMs: ms('at_ms').notNull(),
    endedAtMs: ms('ended_at_ms'),
    outcome: text({ enum: TRY_OUTCOMES }).notNull(),
    /** Stable word: `ECONNREFUSED`, `HTTP 503`; never an address. */
    error: text(),
  },
  (t) => [primaryKey({ columns: [t.delivery, t.n] })],
)

/** How far something was read or done, under a lock that makes replicas take turns. */
export const alertMarks = pgTable('alert_marks', {
  name: text().primaryKey(),
  /** Of what is read: an id, an instant. */
  at: ms().notNull(),
})
