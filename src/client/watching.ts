import type { LimitReport } from '../queue/limit-words.ts'

export interface Watching {
  /** Told once the request was handed in: how the limits of requests stand. Not told when it was handed in before. */
  readonly onLimits?: (limits: readonly LimitReport[]) => void
}
