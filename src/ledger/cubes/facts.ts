import { OWN_TAGS } from '../../admission/plan/own-tags.ts'
import { DIMENSIONS, MEASURES } from './measures.ts'

/**
 * What a row of the ledger contributes to the cubes, as SQL over any relation with the columns of its table. This is
 * the one definition: the drain, the full scan and what a range has at its ends all count by it.
 */

const MEASURE_NAMES: readonly string[] = MEASURES

/** What a kind of row says: expressions by column; a measure that is not there is 0. */
type Said = Readonly<Record<string, string>>

const known = (column: string): string => `coalesce(${column}, '')`
const amount = (column: string): string => `coalesce(${column}, 0)`
const ifThen = (condition: string, value: string): string =>
  `case when ${condition} then ${value} else 0 end`

/** Who asked, of both tables. */
const ASKED = {
  tenant: known('tenant'),
  user_id: known('user_id'),
  tier: known('tier'),
  key_id: known(`tags->>'${OWN_TAGS.key}'`),
  operation: known('operation'),
  urgency: known('urgency'),
  model_requested: known('model_requested'),
  service_tier: known('service_tier'),
  provider: known('provider'),
  tags: 'tags',
}

const WAS_TIMED = 'ended_at_ms >= started_at_ms'

const OF_ENTRY: Said = {
  ...ASKED,
  at_ms: 'admitted_at_ms',
  model: known('model'),
  kind: `'call'`,
  calls: '1',
  input_tokens: amount('input_tokens'),
  cached_input_tokens: amount('cached_input_tokens'),
  cache_write_tokens: amount('cache_write_tokens'),
  output_tokens: amount('output_tokens'),
  reasoning_tokens: amount('reasoning_tokens'),
  cost_nano: 'cost_nano',
  list_nano: 'coalesce(list_nano, cost_nano)',
  unconfirmed_calls: ifThen(`status = 'unconfirmed'`, '1'),
  unconfirmed_nano: ifThen(`status = 'unconfirmed'`, 'cost_nano'),
  overrun_calls: ifThen('overrun_nano > 0', '1'),
  overrun_nano: 'overrun_nano',
  duration_ms: ifThen(WAS_TIMED, 'ended_at_ms - started_at_ms'),
  timed_calls: ifThen(WAS_TIMED, '1'),
}

const OF_REQUEST: Said = {
  ...ASKED,
  at_ms: 'ended_at_ms',
  // Without a call it is counted under what it asked for.
  model: `coalesce(model, model_requested, '')`,
  kind: `case outcome when 'answered' then 'call' else outcome end`,
  requests: '1',
  saved_nano: amount('saved_nano'),
}

const OF_ADJUSTMENT: Said = {
  ...ASKED,
  at_ms: 'admitted_at_ms',
  model: known('model'),
  kind: `'adjustment'`,
  cost_nano: 'cost_nano',
  list_nano: 'list_nano',
}

/** Columns of a fact, in their order. */
const FACT_COLUMNS = ['at_ms', 'tags', ...DIMENSIONS, ...MEASURES]

/** `less`: the row is taken away. */
export type Sign = 'more' | 'less'

function facts(said: Said, relation: string, sign: Sign): string {
  const columns = FACT_COLUMNS.map((column) => {
    const value = said[column] ?? '0'
    if (!MEASURE_NAMES.includes(column)) return `${value} as ${column}`
    return `(${sign === 'less' ? `-(${value})` : value})::bigint as ${column}`
  })
  return `select ${columns.join(', ')} from ${relation}`
}

/** @param relation - a name of ours, or a subquery with an alias; never from outside. */
export const entryFacts = (relation: string, sign: Sign = 'more'): string =>
  facts(OF_ENTRY, relation, sign)

export const requestFacts = (relation: string, sign: Sign = 'more'): string =>
  facts(OF_REQUEST, relation, sign)

/** Of corrections that no budget feels (`adjustments`). */
export const adjustmentFacts = (relation: string, sign: Sign = 'more'): string =>
  facts(OF_ADJUSTMENT, relation, sign)

/** Columns that the facts of an entry need: what a statement that wrote one returns. */
export const ENTRY_FACT_COLUMNS = [
  ...['admitted_at_ms', 'tenant', 'user_id', 'tier', 'tags', 'operation', 'urgency'],
  ...['model_requested', 'model', 'provider', 'service_tier', 'status', 'cost_nano', 'list_nano'],
  ...['overrun_nano', 'input_tokens', 'cached_input_tokens', 'cache_write_tokens'],
  ...['output_tokens', 'reasoning_tokens', 'started_at_ms', 'ended_at_ms'],
]

/** The same of a request. */
export const REQUEST_FACT_COLUMNS = [
  ...['ended_at_ms', 'outcome', 'tenant', 'user_id', 'tier', 'tags', 'operation', 'urgency'],
  ...['model_requested', 'model', 'provider', 'service_tier', 'saved_nano'],
]
