import type { LimitReport } from '../queue/limit-words.ts'

export interface Watching {
  /** Told the id of the job before it is handed in, whatever becomes of it. */
  readonly onJob?: (jobId: string) => void
  /** Told once the request was handed in: how the limits of requests stand. Not told when it was handed in before. */
  readonly onLimits?: (limits: readonly LimitReport[]) => void
}
