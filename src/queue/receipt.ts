import { z } from 'zod'
import { type Outcome, splitWindowKey } from '../admission/outbox.ts'
import type { FundMode } from '../config/policy-types.ts'
import type { Nano } from '../money/nano.ts'
import { formatUsd } from '../money/usd.ts'

const count = z.int().min(0)

/** The receipt as the worker writes it; what was left is added by the slot, and read with it. */
export const ReceiptRecordSchema = z.object({
  jobId: z.string(),
  /** null when nothing was called. */
  attemptId: z.string().nullable(),
  costNano: count,
  usage: z
    .object({
      inputTokens: count,
      cachedInputTokens: count,
      cacheWriteTokens: count,
      outputTokens: count,
      reasoningTokens: count,
    })
    .nullable(),
  /** The windows that paid, in the order of the plan. */
  windows: z.array(
    z.object({ key: z.string(), limitNano: count, warnOnly: z.boolean().exactOptional() }),
  ),
  /**
   * `joined`: the same was being asked, and that answer served both. `stale`: a kept answer whose time is over, served
   * while it is made anew, or because no budget pays for another.
   */
  cache: z.enum(['hit', 'stale', 'miss', 'off', 'joined']),
  /** Why `off` is off (OffReason), or the mode that a miss was asked in; absent = it was looked for and not there. */
  cacheWhy: z.string().exactOptional(),
  /** The attempt of another job that paid for a joined answer; null = not joined. */
  paidBy: z.string().nullable(),
  modelRequested: z.string(),
  modelServed: z.string(),
  provider: z.string(),
  /** The rungs down to the one that served, and why those above did not; `what` is a window, a limit or a gate by its key. */
  rungs: z.array(
    z.object({
      model: z.string(),
      until: z.number().nullable(),
      passed: z
        .object({ by: z.enum(['budget', 'gate', 'limit']), what: z.string() })
        .exactOptional(),
    }),
  ),
  priceVersion: z.string(),
  policyVersion: count,
  /** Takes of the job that held money, this one included. */
  attempts: count,
  /** True when the cost is computed from what was streamed, not from the provider's usage. */
  estimated: z.boolean(),
  /** The output cap that was sent; null = none. */
  outputCapTokens: count.nullable(),
  /** True when money was too short for the cap that was asked for. */
  shortened: z.boolean(),
  /** Of embeddings: texts whose vectors were there, and texts that were paid for. Absent = they were not looked up. */
  texts: z.object({ known: count, paid: count }).exactOptional(),
  /** True when Redis was away: only the allowance was judged, not each budget. Absent = false. */
  degraded: z.literal(true).exactOptional(),
})
export type ReceiptRecord = z.infer<typeof ReceiptRecordSchema>

/** How a request ended, by what its receipt says of the cache. */
export const ENDED_AS = {
  hit: 'cached',
  stale: 'cached',
  joined: 'joined',
  miss: 'answered',
  off: 'answered',
} as const satisfies Record<ReceiptRecord['cache'], Outcome>

/** One budget that a request touched. */
export interface BudgetLine {
  readonly budget: string
  /** e.g. `2026-11`. */
  readonly window: string
  readonly limitUsd: string
  /** After this request; negative when the limit was lowered meanwhile. */
  readonly leftUsd: string
  /** Spent and held, of the limit. */
  readonly usedPercent: number
  /** `warn`: it is watched, and refuses nothing. */
  readonly mode: FundMode
}

/** What happened to one request, and why. */
export interface Receipt extends Readonly<Omit<ReceiptRecord, 'windows' | 'rungs'>> {
  readonly costUsd: string
  /** What the tightest budget that may refuse still allows, USD; null when none governs the request. */
  readonly left: string | null
  /** That budget's window, e.g. `company:2026-11`. */
  readonly tightest: string | null
  readonly budgets: readonly BudgetLine[]
  /** True when a cheaper model than the first of its ladder answered. */
  readonly steppedDown: boolean
  /** Why this model, in words. */
  readonly why: string
  /** Told by the HTTP client alone: how limits stood when the request came in. Absent = none of requests applies. */
  readonly rateLimit?: RateLimit
}

/** The tightest limit of requests. */
export interface RateLimit {
  /** How many it allows in its period. */
  readonly limit: number
  readonly remaining: number
  /** When it is whole again, ISO 8601. */
  readonly resetsAt: string
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** @param leftNano - what is left in each window of the record, same order. */
export function receiptOf(record: ReceiptRecord, leftNano: readonly Nano[]): Receipt {
  const { windows, rungs } = record
  const left = leftNano.slice(0, windows.length)
  const tightest = tightestOf(windows, left)
  // Field by field: taken apart and spread it costs more than all the rest of a receipt.
  const receipt: Writable<Receipt> = {
    jobId: record.jobId,
    attemptId: record.attemptId,
    costNano: record.costNano,
    usage: record.usage,
    cache: record.cache,
    paidBy: record.paidBy,
    modelRequested: record.modelRequested,
    modelServed: record.modelServed,
    provider: record.provider,
    priceVersion: record.priceVersion,
    policyVersion: record.policyVersion,
    attempts: record.attempts,
    estimated: record.estimated,
    outputCapTokens: record.outputCapTokens,
    shortened: record.shortened,
    costUsd: formatUsd(record.costNano),
    left: tightest.left,
    tightest: tightest.tightest,
    budgets: windows.map((window, at) => budgetLine(window, left[at] ?? window.limitNano)),
    steppedDown: rungs.length > 1,
    why: explain(record),
  }
  if (record.cacheWhy) receipt.cacheWhy = record.cacheWhy
  if (record.degraded) receipt.degraded = record.degraded
  if (record.texts) receipt.texts = record.texts
  return receipt
}

type Window = ReceiptRecord['windows'][number]

/** @param leftNano - of each of the windows; of the same amount in two, the first is named. */
export function tightestOf(
  windows: readonly Window[],
  leftNano: readonly Nano[],
): Pick<Receipt, 'left' | 'tightest'> {
  let tightest: string | null = null
  let least = Number.POSITIVE_INFINITY
  windows.forEach(({ key, limitNano, warnOnly }, at) => {
    const nano = leftNano[at] ?? limitNano
    if (warnOnly || nano >= least) return
    tightest = key
    least = nano
  })
  return { left: tightest === null ? null : formatUsd(least), tightest }
}

/** @param leftNano - may be negative after a limit was lowered. */
export function budgetLine({ key, limitNano, warnOnly }: Window, leftNano: Nano): BudgetLine {
  const { budget, window } = splitWindowKey(key)
  const used = limitNano - leftNano
  return {
    budget,
    window,
    limitUsd: formatUsd(limitNano),
    leftUsd: formatUsd(leftNano),
    usedPercent: limitNano === 0 ? 100 : Math.floor((used * 100) / limitNano),
    mode: warnOnly ? 'warn' : 'enforce',
  }
}

function explain(record: ReceiptRecord): string {
  const why = explainServing(record)
  if (!record.degraded) return why
  return record.cache === 'hit'
    ? `${why} of this process, for Redis is away`
    : `${why}; Redis is away: paid from an allowance, and no other budget was judged`
}

function explainServing({
  rungs,
  cache,
  modelRequested,
  outputCapTokens,
  shortened,
}: ReceiptRecord): string {
  if (cache === 'hit') return 'answered before: served from the cache'
  if (cache === 'stale') return 'answered before: served from the cache although its time is over'
  if (cache === 'joined') return 'asked at the same time by another job, whose answer serves both'
  const cut = shortened
    ? `; its output was held to ${outputCapTokens} tokens, all that is left pays for`
    : ''
  const [top] = rungs
  if (!top || rungs.length === 1) {
    const choice =
      modelRequested === 'auto' ? 'top rung of the ladder' : 'the model that was asked for'
    return `${choice}${cut}`
  }
  const reasons = rungs.slice(0, -1).map(reasonOf).join('; ')
  return `stepped down from ${top.model} to ${rungs.at(-1)?.model ?? ''}: ${reasons}${cut}`
}

function reasonOf({ model, until, passed }: ReceiptRecord['rungs'][number]): string {
  switch (passed?.by) {
    case 'budget': {
      const { budget } = splitWindowKey(passed.what)
      return until === null
        ? `${budget} has too little left for ${model}`
        : `with ${model} ${budget} would pass ${until}%`
    }
    case 'gate':
      return `${model} was paused by its provider`
    case 'limit':
      return `limit ${passed.what} was full for ${model}`
    default:
      return `${model} could not serve`
  }
}
