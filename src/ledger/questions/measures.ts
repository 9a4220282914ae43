const only = (column: string, condition: string): string =>
  `sum(${column}) filter (where ${condition})`
const EMBEDDINGS = `operation = 'embeddings'`

/**
 * What usage adds up, with how the cubes say it: counts, tokens, nano-USD and ms. An answer that was paid, kept or
 * joined serves a request.
 */
export const MEASURES = {
  requests: 'sum(requests)',
  served: only('requests', `kind in ('call', 'cached', 'joined')`),
  answered: only('requests', `kind = 'call'`),
  cached: only('requests', `kind = 'cached'`),
  joined: only('requests', `kind = 'joined'`),
  refused: only('requests', `kind = 'refused'`),
  calls: 'sum(calls)',
  tokens:
    'sum(input_tokens + cached_input_tokens + cache_write_tokens + output_tokens + reasoning_tokens)',
  inputTokens: 'sum(input_tokens)',
  cachedInputTokens: 'sum(cached_input_tokens)',
  cacheWriteTokens: 'sum(cache_write_tokens)',
  outputTokens: 'sum(output_tokens)',
  reasoningTokens: 'sum(reasoning_tokens)',
  costNano: 'sum(cost_nano)',
  listNano: 'sum(list_nano)',
  /** Part of the cost that was corrected under a name after it was booked. */
  adjustedNano: only('cost_nano', `kind = 'adjustment'`),
  savedNano: 'sum(saved_nano)',
  savedCachedNano: only('saved_nano', `kind = 'cached' and not ${EMBEDDINGS}`),
  savedJoinedNano: only('saved_nano', `kind = 'joined' and not ${EMBEDDINGS}`),
  savedEmbeddingsNano: only('saved_nano', EMBEDDINGS),
  unconfirmedCalls: 'sum(unconfirmed_calls)',
  unconfirmedNano: 'sum(unconfirmed_nano)',
  overrunCalls: 'sum(overrun_calls)',
  overrunNano: 'sum(overrun_nano)',
  durationMs: 'sum(duration_ms)',
  timedCalls: 'sum(timed_calls)',
} as const
export type Measure = keyof typeof MEASURES

/** By operation, which is not kept with tags. */
const OF_OPERATION: readonly Measure[] = [
  'savedCachedNano',
  'savedJoinedNano',
  'savedEmbeddingsNano',
]
export const needsOperation = (measure: Measure): boolean => OF_OPERATION.includes(measure)

/** Sums by their names. */
export type Sums<M extends Measure = Measure> = Readonly<Record<M, number>>

/** @param values - in the order of `names`; what is missing is 0. */
export function sumsOf<M extends Measure>(
  names: readonly M[],
  values: readonly number[] = [],
): Sums<M> {
  const none: Partial<Record<M, number>> = {}
  for (const [at, name] of names.entries()) none[name] = values[at] ?? 0
  return none as Sums<M>
}
