import type { ConcludeCommand } from '../admission/commands.ts'
import type { AdmissionStore } from '../admission/store.ts'
import { impersonal } from '../cache/impersonal.ts'
import { writeCacheEntry } from '../cache/responses/entry.ts'
import type { NearCache } from '../cache/responses/near-cache.ts'
import type { Policy } from '../config/policy-types.ts'
import { isBursarError } from '../errors.ts'
import { type CompletionJob, metaOf } from '../queue/job.ts'
import { cacheMode, keptUnder, servedKey } from '../queue/job-cache.ts'
import type { Prepare } from '../queue/producer.ts'
import { cachedReceipt, isWhole } from '../queue/receipt-record.ts'
import { type Answered, ServedAnswer, writeCached } from '../queue/result-body.ts'
import type { LogSource } from '../queue/streams/follow.ts'
import type { Guard } from './guard.ts'
import { createOutageLimits } from './limits.ts'
import { createRows, type Rows } from './rows.ts'

/** An answer that Redis had no part in. */
export interface OutageAnswer {
  readonly answered: Promise<Answered>
  /** Where its chunks are; absent = it has none. */
  readonly logs?: LogSource
}

/** Calls a provider without Redis. */
export interface Allowance {
  /**
   * @param judge - asked before anything is spent.
   * @returns null when there is none to spend from: the refusal stands.
   * @throws {BursarError} what refuses the request instead: RATE_LIMITED, INVALID_REQUEST, STORE_UNAVAILABLE.
   */
  run(job: CompletionJob, judge: () => Promise<void>): Promise<OutageAnswer | null>
}

/** What a process can answer by itself while Redis is away. */
export interface OutageAnswers {
  /** Keeps a copy of an answer, if others may get it. */
  keep(job: CompletionJob, answered: Answered, policy: Policy): void
  /** @returns null when the request is refused with `error`, as it is whenever Redis is there. */
  answer(
    job: CompletionJob,
    prepared: Prepare,
    failed: { readonly error: unknown; readonly mayBeQueued: boolean },
  ): Promise<OutageAnswer | null>
  /** Says where rows of requests go when Redis is back. */
  reach(store: Pick<AdmissionStore, 'conclude'>): void
  /** Tells what it can before the store is closed. */
  close(): Promise<void>
}

export interface OutageParts {
  readonly guard: Guard
  readonly near: NearCache
  /** Absent = only what was answered before. */
  readonly allowance?: Allowance
  /** Absent = they wait in memory. */
  readonly rows?: Rows
  /** Told of each answer: a copy, or a call from the allowance. */
  readonly onAnswer?: (by: 'copy' | 'allowance') => void
}

const RESULT_TTL_MS = 3_600_000

export function createOutageAnswers(parts: OutageParts): OutageAnswers {
  const { guard, near, allowance, onAnswer } = parts
  const rows = parts.rows ?? createRows(guard)
  const limits = createOutageLimits(guard)

  async function hit(job: CompletionJob, { policy }: Prepare): Promise<OutageAnswer | null> {
    const key = servedKey(job)
    const entry = key === null ? undefined : near.find(key)?.entry
    if (!entry) return null
    await limits.count(job, policy, true)
    const receipt = { ...cachedReceipt(job, policy.version, []), degraded: true as const }
    onAnswer?.('copy')
    rows.add(rowOf(job, writeCached('cached', receipt, entry.json)))
    return { answered: Promise.resolve(new ServedAnswer(entry, receipt, [])) }
  }

  function keep(job: CompletionJob, answered: Answered, policy: Policy): void {
    const { outcome, text, receipt, response } = answered
    const mayServe = outcome === 'answered' && !receipt.shortened && !receipt.estimated
    const { body } = job
    if (body === null || !mayServe || !isWhole(response)) return
    const kept = keptUnder({ ...job, body }, policy)
    if (!kept) return
    const leftMs = job.enqueuedAtMs + kept.ttlMs - Date.now()
    const { modelServed, provider } = receipt
    const own = impersonal(response, JSON.stringify(response))
    const json = writeCacheEntry(modelServed, provider, own)
    const entry = { json, model: modelServed, provider, text }
    near.keep(kept.key, { entry, sum: '' }, leftMs)
  }

  return {
    keep,
    reach: (store) => rows.reach(store),
    close: () => rows.close(),
    async answer(job, prepared, { error, mayBeQueued }) {
      if (guard.openSinceMs === null || !isBursarError(error, 'STORE_UNAVAILABLE')) return null
      const found = await hit(job, prepared)
      if (found || mayBeQueued || !allowance || cacheMode(job) === 'only') return found
      const called = await allowance.run(job, () => limits.count(job, prepared.policy, false))
      called?.answered.then(
        (answered) => {
          onAnswer?.('allowance')
          keep(job, answered, prepared.policy)
        },
        () => {},
      )
      return called
    },
  }
}

const rowOf = (job: CompletionJob, result: string): ConcludeCommand => ({
  job: job.id,
  meta: JSON.stringify(metaOf(job)),
  outcome: 'cached',
  reason: '',
  result,
  replyTo: '',
  resultTtlMs: RESULT_TTL_MS,
})
