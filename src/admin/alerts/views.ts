import { z } from 'zod'
import type { AlertRow } from '../../alerts/book.ts'
import type { DeliveryRow, HistoryRow, TryRow } from '../../alerts/list.ts'
import { RULES, SEVERITIES } from '../../config/alert-types.ts'
import { ALERT_STATES, DELIVERY_STATES, TRY_OUTCOMES } from '../../ledger/schema.ts'

const iso = z.string()

/** An alert as lists show it; times are ISO 8601. */
export const AlertSchema = z.object({
  id: z.string(),
  rule: z.enum(RULES),
  scope: z.string(),
  window: z.string(),
  threshold: z.number(),
  severity: z.enum(SEVERITIES),
  tenant: z.string().nullable(),
  state: z.enum(ALERT_STATES),
  raisedAt: iso,
  stateAt: iso,
  /** `bursar` = nobody did it by hand. */
  stateBy: z.string(),
  why: z.string(),
  silencedUntil: iso.nullable(),
  /** Messages about it so far. */
  messages: z.int(),
})
export type AlertView = Readonly<z.infer<typeof AlertSchema>>

export const HistorySchema = z.object({
  what: z.string(),
  by: z.string(),
  why: z.string(),
  at: iso,
})

/** A message to one channel. */
export const DeliverySchema = z.object({
  id: z.string(),
  message: z.string(),
  channel: z.string(),
  state: z.enum(DELIVERY_STATES),
  dueAt: iso,
  createdAt: iso,
  endedAt: iso.nullable(),
  lastError: z.string().nullable(),
  /** The delivery that failed for good and that this one stands for. */
  insteadOf: z.string().nullable(),
  /** `unknown`: the receiver may have it, and may get it again. */
  tries: z.array(
    z.object({
      n: z.int(),
      at: iso,
      endedAt: iso.nullable(),
      outcome: z.enum(TRY_OUTCOMES),
      error: z.string().nullable(),
    }),
  ),
})
export type DeliveryView = Readonly<z.infer<typeof DeliverySchema>>

const at = (ms: number): string => new Date(ms).toISOString()
const atOrNull = (ms: number | null): string | null => (ms === null ? null : at(ms))

export const alertView = (row: AlertRow): AlertView => ({
  ...{ id: row.id, rule: row.rule, scope: row.scope, window: row.window },
  ...{ threshold: row.threshold, severity: row.severity, tenant: row.tenant, state: row.state },
  ...{ raisedAt: at(row.raisedAtMs), stateAt: at(row.stateAtMs), stateBy: row.stateBy },
  ...{ why: row.why, silencedUntil: atOrNull(row.silencedUntilMs), messages: row.notices },
})

export const historyView = ({ what, by, why, atMs }: HistoryRow) => ({
  what,
  by,
  why,
  at: at(atMs),
})

export const deliveryView = (row: DeliveryRow, tries: readonly TryRow[]): DeliveryView => ({
  ...{ id: row.id, message: row.notice, channel: row.channel, state: row.state },
  ...{ dueAt: at(row.dueAtMs), createdAt: at(row.createdAtMs), endedAt: atOrNull(row.endedAtMs) },
  ...{ lastError: row.lastError, insteadOf: row.insteadOf },
  tries: tries
    .filter(({ delivery }) => delivery === row.id)
    .map(({ n, atMs, endedAtMs, outcome, error }) => ({
      ...{ n, at: at(atMs), endedAt: atOrNull(endedAtMs), outcome, error },
    })),
})
