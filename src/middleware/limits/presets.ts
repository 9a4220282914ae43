/** Limits for the three kinds of requests that most applications have. */
export const RATE_LIMIT_PRESETS = {
  /** Ordinary requests. */
  standard: { limit: 100, per: '1m' },
  /** What takes the application long: exports, searches. */
  expensive: { limit: 10, per: '1m' },
  /** What ends at a model. */
  llm: { limit: 20, per: '1m' },
} as const satisfies Record<string, { readonly limit: number; readonly per: string }>

export type RateLimitPreset = keyof typeof RATE_LIMIT_PRESETS
