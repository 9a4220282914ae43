import type { Facts, Notice, NoticeLink, NoticeState } from '../notice.ts'
import { tellAlert } from './stories/alert.ts'
import { tellDigest } from './stories/digest.ts'
import { tellReport } from './stories/report.ts'
import type { Story, Telling, Tone } from './story.ts'
import { clean, fitted, instant } from './words.ts'

/** Mail programs and phones cut what is longer. */
const LONGEST_SUBJECT = 150
const LONGEST_LINK = 2_000

/** Turns a notice into what every channel tells of it, with all that came from outside cleaned. */
export function storyOf(notice: Notice): Story {
  const { state, facts, severity, timezone, test } = notice
  const telling = tell(facts, state, timezone)
  const isOver = state === 'resolved'
  const badge = badgeOf(notice)
  const title = fitted(telling.title, LONGEST_SUBJECT)
  return {
    ...{ meter: null, chart: null, bars: [], notes: [], files: [], ...telling, title },
    lead: [...(test ? [TEST] : []), ...PREFIXES[state], telling.lead].join(' '),
    subject: fitted(
      `${test ? '[TEST] ' : ''}[${badge}] ${SUBJECT[state]}${title}`,
      LONGEST_SUBJECT,
    ),
    badge: test ? `TEST - ${badge}` : badge,
    tone: toneOf(facts, isOver, severity),
    state,
    buttons: notice.links.filter(isOpenable).toSorted(byWeight).map(button),
    footer: footerOf(notice),
  }
}

function tell(facts: Facts, state: NoticeState, timezone: string): Telling {
  if (facts.rule === 'digest') return tellDigest(facts, timezone)
  if (facts.rule === 'report') return tellReport(facts, timezone)
  return tellAlert(facts, state, timezone)
}

const TEST = 'This is a test: nothing of it happened.'

const PREFIXES: Readonly<Record<NoticeState, readonly string[]>> = {
  raised: [],
  reminder: ['Still so, and nobody has acknowledged it.'],
  escalated: ['Those who were told first have not acknowledged it, so you are told.'],
  resolved: ['This is over.'],
  digest: [],
}
const SUBJECT: Readonly<Record<NoticeState, string>> = {
  raised: '',
  reminder: 'Still: ',
  escalated: 'Escalated: ',
  resolved: '',
  digest: '',
}

function badgeOf({ state, severity, rule }: Notice): string {
  if (rule === 'report') return 'REPORT'
  if (state === 'digest') return 'DIGEST'
  return (state === 'resolved' ? 'resolved' : severity).toUpperCase()
}

function toneOf(facts: Facts, isOver: boolean, severity: Notice['severity']): Tone {
  if (facts.rule === 'digest' || facts.rule === 'report') return 'plain'
  return isOver ? 'good' : severity
}

/** What gives money first, what merely shows something last. */
const WEIGHT: readonly NoticeLink['kind'][] = [
  'approve',
  'acknowledge',
  'silence',
  'dashboard',
  'docs',
]
const byWeight = (a: NoticeLink, b: NoticeLink): number =>
  WEIGHT.indexOf(a.kind) - WEIGHT.indexOf(b.kind)

/** A link that is something else than an address of a page is left out: it would run where it is clicked. */
const isOpenable = ({ href }: NoticeLink): boolean =>
  href.length <= LONGEST_LINK && URL.canParse(href) && /^https?:$/.test(new URL(href).protocol)

const button = ({ kind, label, href }: NoticeLink): Story['buttons'][number] => ({
  ...{ kind, label: clean(label, 40) || kind, href: new URL(href).href },
})

const footerOf = ({ id, rule, scope, atMs, timezone }: Notice): string =>
  `${rule} - ${clean(scope)} - ${instant(atMs, timezone)} - message ${clean(id, 64)}`
