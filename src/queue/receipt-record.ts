import type { Passed } from '../admission/commands.ts'
import type { WindowLine } from '../admission/plan-lines.ts'
import type { ResponseJson } from '../cache/responses/entry.ts'
import type { Nano } from '../money/nano.ts'
import type { Usage } from '../pricing/types.ts'
import type { Admitted } from './admit-request.ts'
import type { CompletionJob } from './job.ts'
import { cacheMode } from './job-cache.ts'
import type { OkPlan } from './judge-admission.ts'
import type { ReceiptRecord } from './receipt.ts'

/** What a call came to. */
export interface Answer {
  readonly usage: Usage
  readonly costNano: Nano
  readonly servedModel: string
  readonly estimated: boolean
  readonly texts?: ReceiptRecord['texts']
}

/** The receipt of an answered call, before the slot adds what is left. */
export function receiptRecord(
  job: CompletionJob,
  { hold, plan, passed, rules, degraded }: Admitted,
  { usage, costNano, servedModel, estimated, texts }: Answer,
): ReceiptRecord {
  const { attemptId, rung, capTokens, n, windows } = hold.terms
  return {
    jobId: job.id,
    attemptId,
    costNano,
    usage,
    windows: plan.windows.filter(({ key }) => windows.includes(key)).map(receiptWindow),
    cache: job.cacheKey === null ? 'off' : 'miss',
    ...cacheWhy(job),
    paidBy: null,
    modelRequested: job.model,
    modelServed: servedModel,
    provider: plan.rungs[rung]?.rung.provider ?? '',
    rungs: plan.rungs.slice(0, rung + 1).map(({ rung: { model, until } }, at) => {
      const why = passed[at]
      return why
        ? { model, until, passed: { by: why.by, what: whatOf(why, plan) } }
        : { model, until }
    }),
    priceVersion: rules.prices.versionAt(hold.terms.atMs),
    policyVersion: rules.policy.version,
    attempts: n,
    estimated,
    outputCapTokens: job.operation === 'embeddings' ? null : capTokens,
    shortened: capTokens < (plan.offers[rung]?.capTokens ?? capTokens),
    ...(degraded && { degraded }),
    ...(texts && { texts }),
  }
}

function cacheWhy(job: CompletionJob): Pick<ReceiptRecord, 'cacheWhy'> {
  if (job.cacheOff) return { cacheWhy: job.cacheOff }
  const mode = cacheMode(job)
  return mode === 'on' || job.cacheKey === null ? {} : { cacheWhy: mode }
}

/** A window as a receipt keeps it. */
export const receiptWindow = ({
  key,
  limitNano,
  warnOnly,
}: Pick<WindowLine, 'key' | 'limitNano' | 'warnOnly'>): ReceiptRecord['windows'][number] =>
  warnOnly ? { key, limitNano, warnOnly } : { key, limitNano }

function whatOf({ by, index }: Passed, { windows, limits, offers }: OkPlan): string {
  const named = {
    budget: windows[index]?.key,
    limit: limits[index]?.key,
    gate: offers[index]?.gate,
  }
  return named[by] ?? ''
}

/**
 * The receipt of a request that the cache answered: nothing called, nothing spent.
 * @param how - `joined`: the attempt that it waited for and that paid, '' = none: the answer was there.
 */
export const cachedReceipt = (
  job: Pick<CompletionJob, 'id' | 'model'>,
  policyVersion: number,
  windows: ReceiptRecord['windows'],
  { joined = '', isStale = false }: { joined?: string; isStale?: boolean } = {},
): ReceiptRecord => ({
  jobId: job.id,
  attemptId: null,
  costNano: 0,
  usage: null,
  windows,
  cache: joined !== '' ? 'joined' : isStale ? 'stale' : 'hit',
  paidBy: joined === '' ? null : joined,
  modelRequested: job.model,
  modelServed: '',
  provider: '',
  rungs: [],
  priceVersion: '',
  policyVersion,
  attempts: 0,
  estimated: false,
  outputCapTokens: null,
  shortened: false,
})

const CUT: readonly unknown[] = ['length', 'content_filter']

/** Whether an answer may be served to others: one that was cut, filtered or is still under way may not. */
export function isWhole(response: ResponseJson): boolean {
  const { choices, status } = response
  if (typeof status === 'string') return status === 'completed'
  if (!Array.isArray(choices)) return true
  return choices.every(
    (choice: { finish_reason?: unknown } | null) => !CUT.includes(choice?.finish_reason),
  )
}
