import type { WebhooksView } from '../../admin/webhooks/list.ts'
import type { Colour, Output } from '../output.ts'
import { printable } from '../report/printable.ts'

type Webhook = WebhooksView['webhooks'][number]

const COLOURS: Readonly<Record<Webhook['state'], Colour>> = {
  waiting: 'dim',
  due: 'yellow',
  delivered: 'green',
  failed: 'red',
}

/** Prints webhooks as a table, each with its last try. */
export function showWebhooks({ webhooks }: WebhooksView, output: Output): void {
  if (webhooks.length === 0) {
    output.line('nobody is to be told of the end of a job')
    return
  }
  output.table(
    ['SINCE', 'JOB', 'ENDPOINT', 'STATE', 'NEXT', 'TRIES', 'LAST TRY', 'WEBHOOK-ID'],
    webhooks.map((one) => [
      second(one.since),
      ...[printable(one.job, 64), printable(one.endpoint, 40)],
      output.paint(COLOURS[one.state], one.state),
      one.next === null ? '-' : second(one.next),
      ...[String(one.tries.length), lastTry(one), one.id],
    ]),
  )
}

const second = (iso: string): string => iso.replace(/\.\d+Z$/, 'Z')

function lastTry({ tries }: Webhook): string {
  const last = tries.at(-1)
  if (!last) return '-'
  const said = last.error ?? (last.status === null ? 'no answer' : String(last.status))
  return `${printable(said, 60)} in ${last.tookMs} ms`
}
