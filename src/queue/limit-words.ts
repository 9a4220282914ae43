import type { NamedLimit } from '../admission/plan/limit-lines.ts'
import type { LimitLine, LimitState } from '../admission/plan-lines.ts'

/** How a limit stands, the same in quotas, refusals and headers. */
export interface LimitReport {
  /** Its id, and whose it is. */
  readonly limit: string
  readonly counts: NamedLimit['counts'] | 'calls'
  /** How many it allows in its period, or at a time. */
  readonly of: number
  /** ms; null = what is concurrent has no period. */
  readonly perMs: number | null
  /** What may be asked for now, at least 0. */
  readonly remaining: number
  /** When it is whole again, or when the refused request fits; ISO 8601. */
  readonly resetsAt: string
  /** For people: "5 generations left this minute". */
  readonly says: string
}

/** Says how a limit stands. */
export function reportLimit(named: NamedLimit, state: LimitState): LimitReport {
  const { line, counts } = named
  const remaining = Math.max(state.remaining, 0)
  return {
    limit: line.key,
    counts: line.kind !== 'concurrent' && line.unit === 'calls' ? 'calls' : counts,
    of: line.limit,
    perMs: line.kind === 'concurrent' ? null : line.perMs,
    remaining,
    resetsAt: new Date(state.resetAtMs).toISOString(),
    says: `${remaining === 0 ? 'no' : remaining} ${leftWords(named, remaining)}`,
  }
}

/** Names a limit of a plan, which knows its lines alone. */
export function namedLine(line: LimitLine): NamedLimit {
  if (line.kind === 'concurrent') return { line, counts: 'concurrent' }
  if (line.unit === 'input') return { line, counts: 'input_tokens' }
  if (line.unit === 'output') return { line, counts: 'output_tokens' }
  return { line, counts: line.unit === 'calls' ? 'requests' : 'tokens' }
}

/** What a limit allows: "10 requests an hour". */
function allowanceWords(named: NamedLimit): string {
  const { line } = named
  const what = `${line.limit} ${thingsOf(named, line.limit)}`
  if (line.kind === 'concurrent') return `${what} at a time`
  return `${what} ${PERIODS.get(line.perMs)?.each ?? `in ${durationWords(line.perMs)}`}`
}

function leftWords(named: NamedLimit, remaining: number): string {
  const { line } = named
  const things = thingsOf(named, remaining)
  if (line.kind === 'concurrent') return `${things} free of ${line.limit}`
  // What is left of a bucket is left now: it refills all the time.
  if (line.kind === 'token-bucket') return `${things} left now`
  return `${things} left ${PERIODS.get(line.perMs)?.now ?? `in ${durationWords(line.perMs)}`}`
}

const PERIODS: ReadonlyMap<number, { readonly now: string; readonly each: string }> = new Map([
  [60_000, { now: 'this minute', each: 'a minute' }],
  [3_600_000, { now: 'this hour', each: 'an hour' }],
  [86_400_000, { now: 'today', each: 'a day' }],
  [7 * 86_400_000, { now: 'this week', each: 'a week' }],
  [30 * 86_400_000, { now: 'this month', each: 'a month' }],
  [365 * 86_400_000, { now: 'this year', each: 'a year' }],
])

const THINGS = {
  requests: 'request',
  tokens: 'token',
  input_tokens: 'input token',
  output_tokens: 'output token',
  concurrent: 'lane',
} as const satisfies Record<NamedLimit['counts'], string>

function thingsOf({ line, counts, resource }: NamedLimit, count: number): string {
  const call = line.kind !== 'concurrent' && line.unit === 'calls'
  const one = counts === 'requests' && resource ? resourceWord(resource) : THINGS[counts]
  return plural(call ? 'call' : one, count)
}

/** Three letters are no word that has a plural: "api requests", not "apis". */
const resourceWord = (resource: string): string =>
  resource.length <= 3 ? `${resource} request` : resource

function plural(word: string, count: number): string {
  if (count === 1 || word.endsWith('s')) return word
  return /[^aeiou]y$/.test(word) ? `${word.slice(0, -1)}ies` : `${word}s`
}

const UNITS = [
  { name: 'day', ms: 86_400_000 },
  { name: 'hour', ms: 3_600_000 },
  { name: 'minute', ms: 60_000 },
] as const

/** Rounded up, so that who comes back then is not early: "2 minutes". @param ms - at least 0. */
function durationWords(ms: number): string {
  const { name, ms: unitMs } = UNITS.find((unit) => ms >= unit.ms) ?? { name: 'second', ms: 1_000 }
  const count = Math.max(Math.ceil(ms / unitMs), 1)
  return `${count} ${plural(name, count)}`
}

/** A refusal by a full limit, for people and for programs. @param waitMs - after which the request fits. */
export function refusalOf(named: NamedLimit, state: LimitState, waitMs: number) {
  const report = reportLimit(named, state)
  const tryAgain = `try again in ${durationWords(waitMs)}`
  return {
    message: `limit ${report.limit} is full, it allows ${allowanceWords(named)}: ${tryAgain}`,
    detail: {
      ...report,
      retryAfterMs: waitMs,
      resumesAt: new Date(state.resetAtMs).toISOString(),
      says: `${capital(report.says)}. ${capital(tryAgain)}.`,
    },
  }
}

const capital = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}`
