/** Columns of the cubes, spelt once for all statements about them. */

/** What every cube adds up. */
export const MEASURES = [
  'requests',
  'calls',
  'input_tokens',
  'cached_input_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'cost_nano',
  'list_nano',
  'saved_nano',
  'unconfirmed_calls',
  'unconfirmed_nano',
  'overrun_calls',
  'overrun_nano',
  'duration_ms',
  'timed_calls',
] as const

/** Everything that usage is asked by. */
export const DIMENSIONS = [
  'tenant',
  'user_id',
  'tier',
  'model',
  'provider',
  'key_id',
  'service_tier',
  'operation',
  'urgency',
  'model_requested',
  'kind',
] as const
