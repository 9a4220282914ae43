import type { DigestItem, Facts } from '../../notice.ts'
import type { BarRow, Telling } from '../story.ts'
import { apart, counted, day, instant } from '../words.ts'
import { tellAlert } from './alert.ts'

type Digest = Extract<Facts, { rule: 'digest' }>

const STATES = ['open', 'acknowledged', 'silenced', 'resolved'] as const
const TITLES: Readonly<Record<DigestItem['state'], string>> = {
  open: 'Open',
  acknowledged: 'Somebody looks after it',
  silenced: 'Silenced',
  resolved: 'Over',
}

/** Several alerts in one message, those that are open first. */
export function tellDigest(
  { every, fromMs, toMs, items, more }: Digest,
  timezone: string,
): Telling {
  const count = items.length + more
  const open = items.filter(({ state }) => state === 'open').length
  const of = every === 'daily' ? day(toMs - 1, timezone) : `the week to ${day(toMs - 1, timezone)}`
  const span = `${instant(fromMs, timezone)} to ${instant(toMs, timezone)}`
  return {
    title: count === 0 ? `Nothing to tell of ${of}` : `${counted(count, 'alert')} of ${of}`,
    lead:
      count === 0
        ? `No alert was raised from ${span}.`
        : `From ${span}: ${open === 0 ? 'none of them is open' : `${open} still open`}.`,
    figures: [],
    bars: STATES.flatMap((state) => {
      const rows = items.filter((item) => item.state === state).map((item) => rowOf(item, timezone))
      return rows.length > 0 ? [{ title: TITLES[state], rows }] : []
    }),
    notes:
      more > 0
        ? [
            {
              title: 'And more',
              text: `${counted(more, 'alert')} more: bursar alerts list shows all.`,
            },
          ]
        : [],
  }
}

function rowOf({ severity, raisedAtMs, facts, state }: DigestItem, timezone: string): BarRow {
  const { title } = tellAlert(facts, state === 'resolved' ? 'resolved' : 'raised', timezone)
  return {
    name: apart(title, 160),
    value: severity,
    note: instant(raisedAtMs, timezone),
    share: null,
  }
}
