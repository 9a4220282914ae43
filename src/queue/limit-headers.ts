import { z } from 'zod'
import { RATES } from '../config/policy-types.ts'
import type { ErrorDetail } from '../errors.ts'
import type { LimitReport } from './limit-words.ts'

type Headers = Readonly<Record<string, string>>

/**
 * How the limits of a request stand, as HTTP headers: each of them in `RateLimit` and `RateLimit-Policy`, and the
 * tightest in `X-RateLimit-*`, whose reset is in seconds since 1970. Nothing is said where nothing limits.
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/09/
 */
export function limitHeaders(limits: readonly LimitReport[], nowMs: number): Headers {
  const [tightest] = limits.toSorted(byTightness)
  if (!tightest) return {}
  return {
    'x-ratelimit-limit': String(tightest.of),
    'x-ratelimit-remaining': String(tightest.remaining),
    'x-ratelimit-reset': String(Math.ceil(Date.parse(tightest.resetsAt) / 1_000)),
    ratelimit: limits.map((limit) => stateItem(limit, nowMs)).join(', '),
    'ratelimit-policy': limits.map(policyItem).join(', '),
  }
}

const ReportSchema = z.object({
  limit: z.string(),
  counts: z.enum([...RATES, 'concurrent', 'calls']),
  of: z.number(),
  perMs: z.number().nullable(),
  remaining: z.number(),
  resetsAt: z.iso.datetime(),
  says: z.string(),
})
const RefusalSchema = z.union([
  z.object({ limits: z.array(ReportSchema) }).transform(({ limits }) => limits),
  ReportSchema.transform((one) => [one]),
])

/** The limits that the detail of a refusal tells of: all of intake's, or the one that a worker met. */
export const refusingLimits = (detail: ErrorDetail): readonly LimitReport[] =>
  RefusalSchema.safeParse(detail).data ?? []

/** The least share of itself left; of those the one that is whole again last. */
function byTightness(a: LimitReport, b: LimitReport): number {
  return a.remaining / a.of - b.remaining / b.of || (a.resetsAt < b.resetsAt ? 1 : -1)
}

function stateItem({ limit, remaining, resetsAt }: LimitReport, nowMs: number): string {
  const seconds = Math.max(Math.ceil((Date.parse(resetsAt) - nowMs) / 1_000), 0)
  return `${nameOf(limit)};r=${remaining};t=${seconds}`
}

function policyItem({ limit, counts, of, perMs }: LimitReport): string {
  const unit = UNITS[counts]
  const window = perMs === null ? '' : `;w=${Math.ceil(perMs / 1_000)}`
  return `${nameOf(limit)};q=${of}${unit}${window}`
}

/** `requests` is what the draft takes for granted; tokens have no unit there yet, and a name of their own is allowed. */
const UNITS = {
  requests: '',
  calls: '',
  concurrent: ';qu="concurrent-requests"',
  tokens: ';qu="tokens"',
  input_tokens: ';qu="input-tokens"',
  output_tokens: ';qu="output-tokens"',
} as const satisfies Record<LimitReport['counts'], string>

/** The limit's id without whose it is: a string of structured fields (RFC 9651) is ASCII, and ours have no quotes. */
const nameOf = (limit: string): string => `"${limit.split('/', 1)[0] ?? ''}"`
