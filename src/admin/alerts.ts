import { z } from 'zod'
import { type AlertRow, enterState, findAlert, lockAlerts } from '../alerts/book.ts'
import { historyOf, listAlerts, listDeliveries, triesOf } from '../alerts/list.ts'
import { BursarError } from '../errors.ts'
import type { LedgerDb } from '../ledger/ledger.ts'
import { DELIVERY_STATES } from '../ledger/schema.ts'
import {
  AlertSchema,
  type AlertView,
  alertView,
  DeliverySchema,
  deliveryView,
  HistorySchema,
  historyView,
} from './alerts/views.ts'
import type { AdminCommand, AdminPlace } from './command.ts'

const MOST = 10_000
const DAY_MS = 86_400_000
const limit = z.int().min(0).max(MOST).default(100)
const id = z
  .string()
  .regex(/^al-[0-9a-f]{20}$/, 'the id of an alert is what `bursar alerts list` shows')
const reason = z.string().trim().max(500)

const ListSchema = z.strictObject({
  /** Those that are over, too. */
  all: z.boolean().default(false),
  limit,
})
const AlertsSchema = z.object({ alerts: z.array(AlertSchema) })
export type AlertList = Readonly<z.infer<typeof AlertsSchema>>

/** What is open, newest first. Throws LEDGER_UNAVAILABLE, here and below. */
export const alertsList: AdminCommand<z.infer<typeof ListSchema>, AlertList> = {
  name: 'alerts-list',
  role: 'viewer',
  summary: 'Alerts that are open, newest first; all that were ever raised when asked to.',
  input: ListSchema,
  output: AlertsSchema,
  async run(place, { all, limit: most }) {
    const rows = await listAlerts(await place.ledger(), all, most)
    return { alerts: rows.map(alertView) }
  },
}

const ShowSchema = z.strictObject({ id })
const ShownSchema = z.object({ alert: AlertSchema, history: z.array(HistorySchema) })
export type AlertShown = Readonly<z.infer<typeof ShownSchema>>

/** One alert and what became of it. Throws UNKNOWN_ALERT. */
export const alertsShow: AdminCommand<z.infer<typeof ShowSchema>, AlertShown> = {
  name: 'alerts-show',
  role: 'viewer',
  summary: 'One alert, and its history: who did what with it, when and why.',
  input: ShowSchema,
  output: ShownSchema,
  async run(place, input) {
    const ledger = await place.ledger()
    const alert = await known(ledger.db, input.id)
    return {
      alert: alertView(alert),
      history: (await historyOf(ledger, input.id)).map(historyView),
    }
  },
}

const AckSchema = z.strictObject({ id, reason: reason.default('') })

/** Somebody has it: nobody is reminded of it, and nobody else is told. Throws UNKNOWN_ALERT, INVALID_ARGUMENT. */
export const alertsAck: AdminCommand<z.infer<typeof AckSchema>, AlertView> = {
  name: 'alerts-ack',
  role: 'finance',
  summary: 'Acknowledges an alert: no reminders, no escalation.',
  input: AckSchema,
  output: AlertSchema,
  run: (place, input) => move(place, input.id, 'acknowledged', input.reason, null),
}

const SilenceSchema = z.strictObject({
  id,
  /** From now. */
  forMs: z
    .int()
    .min(60_000)
    .max(90 * DAY_MS),
  reason: reason.min(1, 'say why: it stays on record'),
})

/** Nothing is told of it until a time. Throws UNKNOWN_ALERT, INVALID_ARGUMENT. */
export const alertsSilence: AdminCommand<z.infer<typeof SilenceSchema>, AlertView> = {
  name: 'alerts-silence',
  role: 'finance',
  summary: 'Silences an alert until a time; it is open again when its cause is still there then.',
  input: SilenceSchema,
  output: AlertSchema,
  run: (place, input) => move(place, input.id, 'silenced', input.reason, input.forMs),
}

const DeliveriesSchema = z.strictObject({
  /** Of one message alone. */
  message: z.string().max(200).optional(),
  state: z.enum(DELIVERY_STATES).optional(),
  limit,
})
const DeliveredSchema = z.object({ deliveries: z.array(DeliverySchema) })
export type DeliveryList = Readonly<z.infer<typeof DeliveredSchema>>

/** What was sent, what waits and what failed, newest first, with every try. */
export const alertsDeliveries: AdminCommand<z.infer<typeof DeliveriesSchema>, DeliveryList> = {
  name: 'alerts-deliveries',
  role: 'viewer',
  summary: 'Messages by channel, newest first, with every try and how it ended.',
  input: DeliveriesSchema,
  output: DeliveredSchema,
  async run(place, { message, state, limit: most }) {
    const ledger = await place.ledger()
    const which = { ...(message ? { notice: message } : {}), ...(state ? { state } : {}) }
    const rows = await listDeliveries(ledger, which, most)
    const tries = await triesOf(
      ledger,
      rows.map((row) => row.id),
    )
    return { deliveries: rows.map((row) => deliveryView(row, tries)) }
  },
}

const VERBS = { acknowledged: 'acknowledged', silenced: 'silenced' } as const

async function move(
  place: AdminPlace,
  alert: string,
  state: keyof typeof VERBS,
  why: string,
  forMs: number | null,
): Promise<AlertView> {
  const ledger = await place.ledger()
  const nowMs = Date.now()
  return ledger.transaction(async (tx) => {
    await lockAlerts(tx)
    const { state: was } = await known(tx, alert)
    if (was === 'resolved' || was === 'passed-over') throw over(alert)
    const by = place.by ?? 'operator'
    const silenced = forMs === null ? {} : { silencedUntilMs: nowMs + forMs }
    const change = { what: VERBS[state], by, why, atMs: nowMs, ...silenced }
    return alertView((await enterState(tx, alert, state, change)) ?? (await known(tx, alert)))
  })
}

async function known(db: LedgerDb, alert: string): Promise<AlertRow> {
  const found = await findAlert(db, alert)
  if (found) return found
  throw new BursarError(
    'UNKNOWN_ALERT',
    `no alert has the id ${alert}: bursar alerts list --all shows those there are`,
    { detail: { alert } },
  )
}

const over = (alert: string): BursarError =>
  new BursarError('INVALID_ARGUMENT', `alert ${alert} is over: there is nothing to do about it`, {
    detail: { alert },
  })
