import type { WindowPeriod } from '../../../config/periods.ts'
import { addNano, type Nano } from '../../../money/nano.ts'
import type { BudgetFacts, Facts, Grant, NoticeState } from '../../notice.ts'
import type { BarRow, Bars, Chart, Figure, Meter, Note, Telling } from '../story.ts'
import { apart, clean, counted, day, dollars, instant, percent } from '../words.ts'

type BudgetRule = 'budget-threshold' | 'projected-overrun' | 'burn-rate'
type OfBudget = Extract<Facts, { rule: BudgetRule }>

const PER: Readonly<Record<WindowPeriod, string>> = {
  minute: 'per-minute',
  hour: 'hourly',
  day: 'daily',
  week: 'weekly',
  month: 'monthly',
  year: 'yearly',
  lifetime: 'lifetime',
}

/** What is told of a budget, whichever rule found it. */
export function tellBudget(facts: OfBudget, state: NoticeState): Telling {
  const name = `${apart(facts.budget)} ${PER[facts.per]} AI budget`
  return {
    ...headOf(facts, name, state),
    figures: figuresOf(facts),
    meter: meterOf(facts),
    chart: courseOf(facts),
    bars: driversOf(facts),
    notes: notesOf(facts, state),
  }
}

function headOf(
  facts: OfBudget,
  name: string,
  state: NoticeState,
): Pick<Telling, 'title' | 'lead'> {
  const { spentNano, limitNano, outlook } = facts
  const of = `${dollars(spentNano)} of ${dollars(limitNano)}`
  if (state === 'resolved') {
    const title = `${name} back at ${percent(facts.percent)} (${of})`
    return { title, lead: `${of} is spent${timeOf(facts)}.` }
  }
  switch (facts.rule) {
    case 'budget-threshold':
      return {
        title: `${name} at ${percent(facts.percent)} (${of})`,
        lead: `${of} is spent${timeOf(facts)}.`,
      }
    case 'projected-overrun': {
      const ends = dollars(outlook?.expectedNano ?? spentNano)
      const dry = outlook?.runsDryAtMs ?? null
      const when = dry === null ? 'passes its limit' : `runs dry on ${dayOf(dry, facts)}`
      return {
        title: `${name} ${when} (${ends} expected of ${dollars(limitNano)})`,
        lead: `${of} is spent${timeOf(facts)}. If it goes on like this, the window ends at ${ends}.`,
      }
    }
    case 'burn-rate': {
      const { hourNano, usualNano } = facts
      const times = usualNano > 0 ? ` (${(hourNano / usualNano).toFixed(1)}x the usual)` : ''
      return {
        title: `${name} spends ${dollars(hourNano)} an hour${times}`,
        lead: `The last hour cost ${dollars(hourNano)}; ${dollars(usualNano)} is usual for it. ${of} is spent${timeOf(facts)}.`,
      }
    }
  }
}

const timeOf = ({ timePercent }: BudgetFacts): string =>
  timePercent === null ? '' : `, with ${percent(Math.max(0, 100 - timePercent))} of the time to go`

const dayOf = (atMs: number, { per, timezone }: BudgetFacts): string =>
  per === 'minute' || per === 'hour' || per === 'day'
    ? instant(atMs, timezone)
    : day(atMs, timezone)

function figuresOf(facts: BudgetFacts): Figure[] {
  const { spentNano, heldNano, limitNano, outlook, timePercent } = facts
  const granted = addNano(...(facts.grants ?? []).map(({ amountNano }) => amountNano))
  const limit = dollars(limitNano) + (granted > 0 ? `, ${dollars(granted)} of it granted` : '')
  return [
    { label: 'Spent', value: `${dollars(spentNano)} (${percent(facts.percent)})` },
    { label: 'Held for calls under way', value: dollars(heldNano) },
    { label: 'Limit', value: limit },
    { label: 'Time gone', value: timePercent === null ? 'no end' : percent(timePercent) },
    { label: 'Forecast', value: outlook ? rangeOf(outlook) : 'too little is known' },
    { label: 'Runs dry', value: outlook ? driesOf(facts) : '-' },
  ]
}

const rangeOf = ({ expectedNano, lowNano, highNano }: NonNullable<BudgetFacts['outlook']>) =>
  `${dollars(expectedNano)} (${dollars(lowNano)} to ${dollars(highNano)})`

function driesOf(facts: BudgetFacts): string {
  const { outlook, spentNano, limitNano, timezone } = facts
  if (spentNano >= limitNano) return 'already'
  const dry = outlook?.runsDryAtMs ?? null
  if (dry !== null) return instant(dry, timezone)
  return (outlook?.expectedNano ?? 0) > limitNano ? 'before its window ends' : 'not in this window'
}

function meterOf({ spentNano, heldNano, limitNano, timePercent }: BudgetFacts): Meter | null {
  if (limitNano === 0) return null
  const of = (nano: Nano) => (nano / limitNano) * 100
  return { usedPercent: of(spentNano), heldPercent: of(heldNano), timePercent }
}

const MOST_DRIVERS = 5

/** Who drives it, longest bar first. */
function driversOf({ drivers }: BudgetFacts): Bars[] {
  const most = Math.max(1, ...drivers.map(({ costNano }) => costNano))
  const rows = drivers.slice(0, MOST_DRIVERS).map(
    ({ kind, name, costNano }): BarRow => ({
      name: apart(name) || 'unnamed',
      value: dollars(costNano),
      note: kind,
      share: Math.max(0, costNano) / most,
    }),
  )
  return rows.length > 0 ? [{ title: 'What drives it', rows }] : []
}

function notesOf(facts: BudgetFacts, state: NoticeState): Note[] {
  const grants = (facts.grants ?? []).slice(0, 3).map((grant) => grantWords(grant, facts))
  return [
    ...(grants.length > 0 ? [{ title: 'Granted on top', text: grants.join(' ') }] : []),
    { title: 'What Bursar does now', text: `${EFFECT[facts.effect]}${waitingOf(facts)}` },
    ...(state === 'resolved' ? [] : [{ title: 'Who can raise it', text: raisersOf(facts) }]),
  ]
}

function grantWords({ by, amountNano, reason, untilMs }: Grant, { timezone }: BudgetFacts): string {
  const until = untilMs === null ? 'while the window lasts' : `until ${instant(untilMs, timezone)}`
  const why = clean(reason, 120)
  return `${apart(by, 80)} granted ${dollars(amountNano)} ${until}${why ? `: ${apart(why, 120)}` : ''}.`
}

const EFFECT: Readonly<Record<BudgetFacts['effect'], string>> = {
  serves: 'Requests are served as usual.',
  'steps-down': 'Requests go to cheaper models of their ladder, so that the budget lasts longer.',
  refuses:
    'New requests are refused, deferrable work waits for money or for the next window, and cached answers are still served.',
  'warns-only': 'Nothing is refused: this budget only warns.',
}

function waitingOf({ parked }: BudgetFacts): string {
  if (!parked || parked.jobs === 0) return ''
  const most = parked.holdNano === null ? '' : `, for at most ${dollars(parked.holdNano)}`
  return ` ${counted(parked.jobs, 'job')} ${parked.jobs === 1 ? 'waits' : 'wait'} for it${most}.`
}

const MOST_RAISERS = 5
const TYPED = /^[\w./%-]+$/
const NOBODY =
  'Whoever runs Bursar. To name somebody here, add an e-mail or Slack channel under alerts.channels of the policy, or make a key: bursar keys create --role finance.'

function raisersOf({ raisers, budget }: BudgetFacts): string {
  const named = raisers.slice(0, MOST_RAISERS).map((one) => apart(one, 80))
  const who = named.length > 0 ? `${named.join(', ')}.` : NOBODY
  // What a shell would read otherwise is not offered to be pasted into one.
  if (!TYPED.test(budget) || clean(budget, 200) !== budget) return who
  return `${who} By command: bursar budget grant ${budget} --usd 50 --reason "..."`
}

/** The window as a picture: spent so far, where it will end, and the limit. */
function courseOf(facts: BudgetFacts): Chart | null {
  const { curve = [], outlook, limitNano, endMs, timezone, spentNano } = facts
  const [first, last] = [curve[0], curve.at(-1)]
  if (!first || !last || curve.length < 2) return null
  const fromMs = endMs === null ? first.atMs : facts.startMs
  const toMs = endMs ?? last.atMs
  if (toMs <= fromMs) return null
  const ahead = endMs === null ? null : outlook
  const forecast = ahead ? `; the forecast is ${rangeOf(ahead)}` : ''
  return {
    shape: { kind: 'course', fromMs, toMs, points: curve, limitNano, outlook: ahead },
    alt: `Spent so far: ${dollars(spentNano)} of ${dollars(limitNano)}${forecast}.`,
    axis: [dayOf(fromMs, facts), '', endMs === null ? 'now' : endOf(facts, endMs)],
    legend: [
      { mark: 'line', text: `spent ${dollars(spentNano)}` },
      ...(ahead ? [{ mark: 'band' as const, text: `forecast ${rangeOf(ahead)}` }] : []),
      { mark: 'limit', text: `limit ${dollars(limitNano)}` },
    ],
  }

  function endOf({ per }: BudgetFacts, atMs: number): string {
    return per === 'minute' || per === 'hour' || per === 'day'
      ? instant(atMs, timezone)
      : day(atMs - 1, timezone)
  }
}
