import type { Facts, MeasureFacts } from '../../notice.ts'
import type { Meter, Telling } from '../story.ts'
import { apart, counted, percent } from '../words.ts'

type OfMeasure = Extract<Facts, MeasureFacts>

const COUNTED: Readonly<Record<Extract<Facts, { rule: 'limit-near' }>['counts'], string>> = {
  requests: 'requests',
  tokens: 'tokens',
  input_tokens: 'input tokens',
  output_tokens: 'output tokens',
  concurrent: 'calls at a time',
}

/** What is told of something that is measured all the time. */
export function tellMeasure(facts: OfMeasure): Telling {
  const value = amount(facts.value, facts.unit)
  const threshold = amount(facts.threshold, facts.unit)
  return {
    ...wordsOf(facts, value, threshold),
    figures: [
      { label: 'Measured', value },
      { label: facts.rule === 'hit-rate' ? 'Target' : 'Alert at', value: threshold },
      ...(facts.overMs === null ? [] : [{ label: 'Over', value: span(facts.overMs) }]),
    ],
    meter: meterOf(facts),
    notes: [{ title: 'What to do', text: MENDS[facts.rule] }],
  }
}

function wordsOf(
  facts: OfMeasure,
  value: string,
  threshold: string,
): Pick<Telling, 'title' | 'lead'> {
  switch (facts.rule) {
    case 'limit-near': {
      const of = facts.subject === '' ? '' : ` of ${apart(facts.subject)}`
      return {
        title: `Limit ${apart(facts.limit)}${of} at ${value}`,
        lead: `${value} of the ${COUNTED[facts.counts]} that it allows are used. At 100% requests are refused, or wait.`,
      }
    }
    case 'hit-rate':
      return {
        title: `Cache hit rate at ${value}, below its target of ${threshold}`,
        lead: 'Fewer answers come from the cache than the policy wants, so more is paid for.',
      }
    case 'cached-latency':
      return {
        title: `Cached answers take ${value}, above ${threshold}`,
        lead: 'Answers that are at hand should come at once.',
      }
    case 'provider-errors':
      return {
        title: `Provider ${apart(facts.provider)} fails ${value} of its calls`,
        lead: `More than ${threshold} of the calls to ${apart(facts.provider)} fail. Requests try again, or go to the next model of their ladder.`,
      }
    case 'queue-age':
      return {
        title: `The oldest job of queue ${apart(facts.queue)} waits ${value}`,
        lead: `Jobs wait longer than ${threshold} before a worker takes them.`,
      }
    case 'redis-memory':
      return {
        title: `Redis memory at ${value}`,
        lead: 'Full memory means that nothing can be admitted: Redis refuses writes then.',
      }
    case 'connections':
      return {
        title: `Connections of ${facts.server === 'redis' ? 'Redis' : 'PostgreSQL'} at ${value}`,
        lead: 'Processes that start when none is left cannot work.',
      }
  }
}

const MENDS: Readonly<Record<OfMeasure['rule'], string>> = {
  'limit-near': 'Raise the limit in the policy, or spread the requests over time.',
  'hit-rate': 'bursar cache health says where answers are missed, and what would help.',
  'cached-latency': 'Look at the load of Redis and of the gateways; bursar doctor measures both.',
  'provider-errors': 'Look at the status page of the provider, and at its limits for your account.',
  'queue-age': 'Start more workers with the role completions; any number may run.',
  'redis-memory': 'Give Redis more memory; bursar cache stats shows what fills it.',
  connections: 'Allow more connections, or start fewer processes.',
}

function amount(value: number, unit: MeasureFacts['unit']): string {
  switch (unit) {
    case 'percent':
      return percent(value)
    case 'ms':
      return value < 10_000 ? `${Math.round(value).toLocaleString('en-US')} ms` : span(value)
    case 'ratio':
      return `${value.toLocaleString('en-US', { maximumFractionDigits: 1 })}x`
    case 'count':
      return value.toLocaleString('en-US')
  }
}

const UNITS = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1_000, 'second'],
] as const

/** e.g. `90 seconds`, `24 hours`: in the largest unit of which there are two. */
function span(ms: number): string {
  const [unitMs, name] = UNITS.find(([one]) => ms >= 2 * one) ?? [1_000, 'second']
  return counted(Math.round(ms / unitMs), name)
}

const meterOf = ({ unit, value, rule }: OfMeasure): Meter | null =>
  unit === 'percent' && rule !== 'provider-errors'
    ? { usedPercent: value, heldPercent: 0, timePercent: null }
    : null
