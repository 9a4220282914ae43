import type { AlertView, DeliveryView } from '../../admin/alerts/views.ts'
import type { AlertList, AlertShown, DeliveryList } from '../../admin/alerts.ts'
import type { Colour, Output } from '../output.ts'
import { printable } from '../report/printable.ts'

const COLOURS: Readonly<Record<AlertView['severity'], Colour>> = {
  critical: 'red',
  high: 'yellow',
  medium: 'cyan',
  low: 'dim',
}
const STATES: Readonly<Record<DeliveryView['state'], Colour>> = {
  sent: 'green',
  waiting: 'cyan',
  failed: 'red',
  passed: 'dim',
}

const minute = (iso: string): string => iso.slice(0, 16).replace('T', ' ')

/** Prints alerts as a table. */
export function showAlerts({ alerts }: AlertList, output: Output): void {
  if (alerts.length === 0) {
    output.line('Nothing is wrong.')
    return
  }
  const rows = alerts.map((one) => [
    one.id,
    output.paint(COLOURS[one.severity], one.severity),
    one.state,
    one.rule,
    printable(one.scope),
    one.window,
    String(one.threshold),
    minute(one.raisedAt),
  ])
  output.table(['id', 'severity', 'state', 'rule', 'about', 'window', 'at', 'raised (UTC)'], rows)
}

/** Prints one alert and its history. */
export function showAlert({ alert, history }: AlertShown, output: Output): void {
  showAlerts({ alerts: [alert] }, output)
  output.line()
  const rows = history.map(({ at, what, by, why }) => [minute(at), what, by, printable(why)])
  output.table(['when (UTC)', 'what', 'who', 'why'], rows)
}

/** Prints what somebody did with an alert. */
export function showMoved(alert: AlertView, output: Output): void {
  const until = alert.silencedUntil ? ` until ${minute(alert.silencedUntil)} UTC` : ''
  output.line(`${alert.id} (${printable(alert.scope)}) is ${alert.state}${until}.`)
}

/** Prints deliveries as a table. */
export function showDeliveries({ deliveries }: DeliveryList, output: Output): void {
  if (deliveries.length === 0) {
    output.line('Nothing was sent.')
    return
  }
  const rows = deliveries.map((one) => [
    one.message,
    one.channel,
    output.paint(STATES[one.state], one.state),
    String(one.tries.length),
    minute(one.endedAt ?? one.dueAt),
    one.lastError ?? '',
    one.insteadOf === null ? '' : `instead of ${one.insteadOf}`,
  ])
  output.table(['message', 'channel', 'state', 'tries', 'ended or due (UTC)', 'error', ''], rows)
}
