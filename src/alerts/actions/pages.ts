import { formatUsd } from '../../money/usd.ts'
import type { Grant } from '../notice.ts'
import type { Figure, Note } from '../templates/story.ts'
import { apart, counted, dollars, instant } from '../templates/words.ts'
import type { LinkAction, LinkClaim } from './link.ts'
import type { Field, Form, Page } from './page-model.ts'
import type { Money, Problem, Sight } from './sight.ts'

/** What the server makes of a form beside what is asked: the link again, and that we showed it. */
export type Proof = Pick<Form, 'token' | 'proof'>

const HOUR_MS = 3_600_000
/** How long something may last, ms as text; `end` = as long as the window. */
const SPANS = [
  { value: String(HOUR_MS), label: '1 hour' },
  { value: String(4 * HOUR_MS), label: '4 hours' },
  { value: String(24 * HOUR_MS), label: '24 hours' },
  { value: String(7 * 24 * HOUR_MS), label: '7 days' },
]

/**
 * The page that asks before anything is done.
 * @param mistake - what was wrong with the form that was sent; '' = it was not sent yet.
 * @param given - what was filled in then.
 */
export function confirmPage(
  sight: Sight,
  proof: Proof,
  nowMs: number,
  mistake = '',
  given: Readonly<Record<string, string>> = {},
): Page {
  const { claim, money, state } = sight
  const isOver = state === 'resolved' || state === 'passed-over'
  const shown = { ...shell(sight), status: mistake === '' ? 200 : 400 }
  if (claim.action === 'open') return { ...shown, lead: `${STATES[state]}.` }
  if (claim.action === 'approve') {
    if (!money) return problemPage('window-over', claim)
    if (money.used) return usedPage(sight, money.used)
  } else if (isOver) return { ...shown, lead: 'This is over: there is nothing left to do.' }
  const fields = FIELDS[claim.action](sight, nowMs).map((field) => filled(field, given))
  return {
    ...shown,
    lead: mistake === '' ? LEADS[claim.action] : apart(mistake, 300),
    ...(mistake === '' ? {} : { badge: 'PLEASE LOOK AGAIN', tone: 'medium' as const }),
    form: { ...proof, fields, submit: SUBMITS[claim.action] },
  }
}

const LEADS: Readonly<Record<Exclude<LinkAction, 'open'>, string>> = {
  approve: 'Give this budget more money for a while. What waits for it goes on by itself.',
  acknowledge: 'Say that you look after it: nobody is reminded then.',
  silence: 'Hear nothing more of it for a while. It goes on counting.',
}
const SUBMITS: Readonly<Record<Exclude<LinkAction, 'open'>, string>> = {
  approve: 'Grant it',
  acknowledge: 'I look after it',
  silence: 'Silence it',
}

const FIELDS: Readonly<
  Record<Exclude<LinkAction, 'open'>, (sight: Sight, nowMs: number) => Field[]>
> = {
  approve: ({ money, claim, timezone }, nowMs) =>
    money ? [...moneyFields(money, timezone, nowMs), reasonField(true), ...whoField(claim)] : [],
  acknowledge: ({ claim }) => [reasonField(false), ...whoField(claim)],
  silence: ({ claim }) => [
    {
      ...{ kind: 'choice', name: 'for', label: 'For how long', hint: '', required: true },
      ...{ value: String(4 * HOUR_MS), options: SPANS },
    },
    reasonField(true),
    ...whoField(claim),
  ],
}

function moneyFields(money: Money, timezone: string, nowMs: number): Field[] {
  const { limitNano, neededNano, mostNano, parked, endMs } = money
  const offers = [neededNano, limitNano / 10, limitNano / 4, limitNano / 2]
    .map(wholeCents)
    .filter((nano) => nano > 0 && nano <= mostNano)
  const waits =
    neededNano > 0
      ? `${dollars(neededNano)} lets ${counted(parked.jobs, 'waiting job')} go on. `
      : ''
  const within = SPANS.filter(({ value }) => endMs === null || nowMs + Number(value) < endMs)
  const whole = endMs === null ? 'for good' : `until its window ends (${instant(endMs, timezone)})`
  return [
    {
      ...{ kind: 'usd', name: 'amount', label: 'How much more, USD', required: true },
      hint: `${waits}At most ${dollars(mostNano)} from here.`,
      value: formatUsd(offers[0] ?? wholeCents(mostNano)),
      offers: [...new Set(offers)].map(formatUsd),
    },
    {
      ...{ kind: 'choice', name: 'for', label: 'For how long', required: true, value: 'end' },
      hint: 'What is spent by then stays spent.',
      options: [{ value: 'end', label: whole }, ...within],
    },
  ]
}

const CENT_NANO = 10_000_000
/** Upwards: what waits has to fit in. */
const wholeCents = (nano: number): number => Math.ceil(nano / CENT_NANO) * CENT_NANO

const reasonField = (required: boolean): Field => ({
  ...{ kind: 'text', name: 'reason', label: 'Why', value: '', longest: 300, required },
  hint: required ? 'It stays on record, with your name.' : 'If there is something to say.',
})

/** Whether a link was sent to one person alone. */
export const isOnePerson = ({ recipient }: Pick<LinkClaim, 'recipient'>): boolean =>
  /^[^\s@,]+@[^\s@,]+$/.test(recipient)

/** Of a link that several have, nobody knows who followed it. */
const whoField = (claim: LinkClaim): Field[] =>
  isOnePerson(claim)
    ? []
    : [
        {
          ...{ kind: 'text', name: 'who', label: 'Your name', value: '', longest: 100 },
          ...{ required: true, hint: 'Several people have this link.' },
        },
      ]

const filled = (field: Field, given: Readonly<Record<string, string>>): Field => ({
  ...field,
  value: given[field.name] ?? field.value,
})

/** What was done. */
export function donePage(sight: Sight, done: { readonly by: string; readonly said: string }): Page {
  return {
    ...shell(sight),
    ...{ badge: 'DONE', tone: 'good', lead: done.said, form: null },
    notes: [...shell(sight).notes, { title: 'On record', text: `as ${apart(done.by, 120)}` }],
  }
}

/** A link that may grant once has done so. */
const usedPage = (sight: Sight, grant: Grant): Page => ({
  ...shell(sight),
  ...{ status: 409, badge: 'DONE ALREADY', tone: 'plain' },
  lead: `${grantWords(grant, sight.timezone)} A message grants once: the next one about this budget has a new link, and bursar budget grant gives more at any time.`,
})

const grantWords = (grant: Grant, timezone: string): string => {
  const { amountNano, by, untilMs, reason } = grant
  const until = untilMs === null ? '' : ` until ${instant(untilMs, timezone)}`
  return `${apart(by, 80)} granted ${dollars(amountNano)}${until}: ${apart(reason, 120)}.`
}

const STATES: Readonly<Record<Sight['state'], string>> = {
  open: 'Nobody has acknowledged it',
  acknowledged: 'Somebody looks after it',
  silenced: 'It is silenced',
  resolved: 'It is over',
  'passed-over': 'A higher mark was passed, which has an alert of its own',
}

function shell(sight: Sight): Page {
  const { title, severity, state, claim, money, timezone } = sight
  const isOver = state === 'resolved' || state === 'passed-over'
  const limitNano = money?.limitNano ?? 0
  const of = (nano: number) => (nano / limitNano) * 100
  return {
    ...{ status: 200, badge: isOver ? 'OVER' : severity.toUpperCase(), title, lead: '' },
    tone: isOver ? 'good' : severity,
    meter:
      money && limitNano > 0
        ? {
            ...{ usedPercent: of(money.spentNano), heldPercent: of(money.heldNano) },
            timePercent: null,
          }
        : null,
    figures: money ? moneyFigures(money, timezone) : [],
    notes: [stateNote(sight), ...grantNotes(money, timezone)],
    form: null,
    footer: `This link was sent to ${apart(claim.recipient, 120)} and works until ${instant(claim.expiresAtMs, timezone)}.`,
  }
}

function moneyFigures(money: Money, timezone: string): Figure[] {
  const { limitNano, spentNano, heldNano, endMs, parked } = money
  const most = parked.jobs > 0 ? `, at most ${dollars(parked.mostNano)}` : ''
  return [
    { label: 'Spent', value: dollars(spentNano) },
    { label: 'Held for calls under way', value: dollars(heldNano) },
    { label: 'Limit', value: dollars(limitNano) },
    { label: 'Left', value: dollars(limitNano - spentNano - heldNano) },
    { label: 'Waits for it', value: `${counted(parked.jobs, 'job')}${most}` },
    { label: 'Window ends', value: endMs === null ? 'never' : instant(endMs, timezone) },
  ]
}

function stateNote({ state, stateBy, stateAtMs, why, silencedUntilMs, timezone }: Sight): Note {
  const by = state === 'open' ? '' : ` (${apart(stateBy, 80)}, ${instant(stateAtMs, timezone)})`
  const until = silencedUntilMs === null ? '' : `, until ${instant(silencedUntilMs, timezone)}`
  const reason = why === '' ? '' : `: ${apart(why, 120)}`
  return { title: 'State', text: `${STATES[state]}${until}${by}${reason}.` }
}

function grantNotes(money: Money | null, timezone: string): Note[] {
  const grants = (money?.grants ?? []).slice(0, 5).map((grant) => grantWords(grant, timezone))
  return grants.length > 0 ? [{ title: 'Granted on top now', text: grants.join(' ') }] : []
}

interface ProblemWords {
  readonly status: number
  readonly title: string
  readonly lead: string
}

const PROBLEMS: Readonly<Record<Problem, ProblemWords>> = {
  forged: {
    status: 404,
    title: 'This link is not complete',
    lead: 'It was cut, changed, or signed with a secret that is no longer in use. Open it from the message once more, or copy all of it; a newer message has a newer link.',
  },
  expired: {
    status: 410,
    title: 'This link is too old',
    lead: 'Links work for some days, and those that give money for three. The newest message about it has one that works, and bursar alerts list shows what is open.',
  },
  'no-alert': {
    status: 404,
    title: 'This alert is not known here',
    lead: 'It was cleaned up, or belongs to another Bursar. bursar alerts list shows those there are.',
  },
  'window-over': {
    status: 410,
    title: 'There is nothing to give here any more',
    lead: 'The budget window of this alert is over, or the policy has the budget no more. What waited has gone on with the next window.',
  },
  'no-links': {
    status: 404,
    title: 'There are no such pages here',
    lead: 'Set BURSAR_LINK_SECRET and BURSAR_PUBLIC_URL for the gateway and for whoever sends messages.',
  },
  'form-expired': {
    status: 400,
    title: 'This page was open for too long',
    lead: 'Nothing was done. Open the link from the message again.',
  },
  away: {
    status: 503,
    title: 'Bursar cannot answer just now',
    lead: 'Redis or the database does not answer. Nothing is lost: open the link again in a moment. If you have just granted something, look first whether it is there.',
  },
}

/** A page that says why nothing can be done, and what to do instead. */
export function problemPage(problem: Problem, claim?: LinkClaim): Page {
  const { recipient = '' } = claim ?? {}
  return {
    ...PROBLEMS[problem],
    ...{ badge: 'NOTHING DONE', tone: 'plain', meter: null, figures: [], notes: [], form: null },
    footer: recipient === '' ? '' : `This link was sent to ${apart(recipient, 120)}.`,
  }
}
