import { text } from 'drizzle-orm/pg-core'
import { count, nano } from '../columns.ts'

/**
 * What the drain adds up as it writes, in the same transaction, so that nobody needs to read the calls themselves:
 * the sums of any group of rows equal a full scan of `entries`, `requests` and adjustments. A dimension that is not known is ''.
 */

/**
 * What a row counts. `call`: calls of providers (`calls`, tokens, money; at the instant of their admission, as in their
 * budget windows), and the requests that such a call answered (`requests`, at their end). `adjustment`: money that was
 * corrected afterwards under a name, at the admission of the call. Every other: requests that ended like that.
 */
export const USAGE_KINDS = [
  'call',
  'cached',
  'joined',
  'refused',
  'expired',
  'cancelled',
  'failed',
  'adjustment',
] as const
export type UsageKind = (typeof USAGE_KINDS)[number]

export const name = (column: string) => text(column).notNull()
const sum = (column: string) => count(column).notNull()
const money = (column: string) => nano(column).notNull()
export const kind = () => text({ enum: USAGE_KINDS }).notNull()

/** What every cube adds up; each may be 0. */
export const measures = () => ({
  /** Requests that ended. */
  requests: sum('requests'),
  /** Attempts; also those that failed or were given back. */
  calls: sum('calls'),
  /** Five disjoint buckets: together every token of the calls. */
  inputTokens: sum('input_tokens'),
  cachedInputTokens: sum('cached_input_tokens'),
  cacheWriteTokens: sum('cache_write_tokens'),
  outputTokens: sum('output_tokens'),
  reasoningTokens: sum('reasoning_tokens'),
  /** Booked, nano-USD; of an adjustment the change, which may be negative. */
  costNano: money('cost_nano'),
  /** The same at list price; a call whose usage is unknown counts with what is booked. */
  listNano: money('list_nano'),
  /** What answers (or parts of one) that were used again had cost at list price when they were paid. */
  savedNano: money('saved_nano'),
  /** Calls whose whole hold is booked because nobody knows the bill, and that part of `cost_nano`. */
  unconfirmedCalls: sum('unconfirmed_calls'),
  unconfirmedNano: money('unconfirmed_nano'),
  /** Calls that cost more than was held for them, and by how much; a part of `cost_nano`. */
  overrunCalls: sum('overrun_calls'),
  overrunNano: money('overrun_nano'),
  /** How long the calls took from sending to their last byte, and how many of them are in that sum. */
  durationMs: sum('duration_ms'),
  timedCalls: sum('timed_calls'),
})

/** What usage is asked by and few there are of. */
export const companyDimensions = () => ({
  tier: name('tier'),
  /** Of the rung that was called; of a request without a call what it asked for. */
  model: name('model'),
  /** '' = no call was made. */
  provider: name('provider'),
  serviceTier: name('service_tier'),
  operation: name('operation'),
  urgency: name('urgency'),
  modelRequested: name('model_requested'),
  kind: kind(),
})

/** Everything that usage is asked by. */
export const dimensions = () => ({
  tenant: name('tenant'),
  user: name('user_id'),
  /** Id of the API key that it came with; '' = none. */
  key: name('key_id'),
  ...companyDimensions(),
})
