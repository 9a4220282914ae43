import { z } from 'zod'
import { OUTCOMES, type Outcome } from '../../admission/outbox.ts'
import { readStoredResult } from '../../admission/result.ts'
import { noOutcomes } from '../../ledger/queries/outcome-counts.ts'

/** What the driver itself saw: one outcome per request, or none yet. */
export interface Tally {
  /** job -> how it ended, null = nothing was heard. */
  readonly jobs: ReadonlyMap<string, Outcome | null>
  /** Jobs whose end was heard twice with different outcomes: a fault. */
  readonly contradicted: readonly string[]
  readonly counts: Readonly<Record<Outcome, number>>
  /** Handed in, and nothing heard yet. */
  readonly open: number
  sent(job: string): void
  ended(job: string, outcome: Outcome): void
  /** Resolves at the next end. */
  nextEnd(): Promise<void>
}

export function createTally(): Tally {
  const jobs = new Map<string, Outcome | null>()
  const contradicted: string[] = []
  const counts = noOutcomes()
  let open = 0
  const waiting: (() => void)[] = []
  return {
    jobs,
    contradicted,
    counts,
    get open() {
      return open
    },
    sent(job) {
      jobs.set(job, null)
      open += 1
    },
    ended(job, outcome) {
      const before = jobs.get(job)
      if (before) {
        if (before !== outcome) contradicted.push(job)
        return
      }
      jobs.set(job, outcome)
      counts[outcome] += 1
      open -= 1
      for (const wake of waiting.splice(0)) wake()
    },
    nextEnd: () => new Promise((resolve) => waiting.push(resolve)),
  }
}

const Result = z.object({ outcome: z.enum(OUTCOMES) })

/** How a request ended, as its stored result tells the caller. */
export const outcomeOf = (stored: string): Outcome =>
  Result.parse(JSON.parse(readStoredResult(stored).body)).outcome
