import { z } from 'zod'
import { type Outcome, splitWindowKey } from '../admission/outbox.ts'
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
  windows: z.array(z.object({ key: z.string(), limitNano: count })),
  /** `joined`: the same was being asked, and that answer served both. */
  cache: z.enum(['hit', 'miss', 'off', 'joined']),
  /** The attempt of another job that paid for a joined answer; null = not joined. */
  paidBy: z.string().nullable(),
  modelRequested: z.string(),
  modelServed: z.string(),
  provider: z.string(),
  /** The rungs down to the one that served. */
  rungs: z.array(z.object({ model: z.string(), until: z.number().nullable() })),
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
})
export type ReceiptRecord = z.infer<typeof ReceiptRecordSchema>

/** How a request ended, by what its receipt says of the cache. */
export const ENDED_AS = {
  hit: 'cached',
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
}

/** What happened to one request, and why. */
export interface Receipt extends Readonly<Omit<ReceiptRecord, 'windows' | 'rungs'>> {
  readonly costUsd: string
  /** What the tightest budget still allows, USD; null when no budget governs the request. */
  readonly left: string | null
  readonly budgets: readonly BudgetLine[]
  /** True when a cheaper model than the first of its ladder answered. */
  readonly steppedDown: boolean
  /** Why this model, in words. */
  readonly why: string
}

/** @param leftNano - what is left in each window of the record, same order. */
export function receiptOf(record: ReceiptRecord, leftNano: readonly Nano[]): Receipt {
  const { windows, rungs } = record
  const left = leftNano.slice(0, windows.length)
  const budgets = windows.map(({ key, limitNano }, at) =>
    budgetLine(key, limitNano, left[at] ?? limitNano),
  )
  // One literal: taken apart and spread it costs more than all the rest of a receipt.
  return {
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
    left: left.length === 0 ? null : formatUsd(Math.min(...left)),
    budgets,
    steppedDown: rungs.length > 1,
    why: explain(record, budgets),
  }
}

/** @param leftNano - may be negative after a limit was lowered. */
export function budgetLine(key: string, limitNano: Nano, leftNano: Nano): BudgetLine {
  const { budget, window } = splitWindowKey(key)
  const used = limitNano - leftNano
  return {
    budget,
    window,
    limitUsd: formatUsd(limitNano),
    leftUsd: formatUsd(leftNano),
    usedPercent: limitNano === 0 ? 100 : Math.floor((used * 100) / limitNano),
  }
}

function explain(record: ReceiptRecord, budgets: readonly BudgetLine[]): string {
  const { rungs, cache, modelRequested } = record
  if (cache === 'hit') return 'answered before: served from the cache'
  if (cache === 'joined') return 'asked at the same time by another job, whose answer serves both'
  const [top, ...below] = rungs
  if (!top || below.length === 0) {
    return modelRequested === 'auto' ? 'top rung of the ladder' : 'the model that was asked for'
  }
  const tightest = budgets.reduce<BudgetLine | null>(
    (most, line) => (most && most.usedPercent >= line.usedPercent ? most : line),
    null,
  )
  const served = rungs.at(-1)?.model ?? ''
  const step = `stepped down from ${top.model} to ${served}`
  if (!tightest || top.until === null || tightest.usedPercent < top.until) {
    return `${step}: ${top.model} was paused by its provider, or too dear for what is left`
  }
  return `${step}: ${tightest.budget} stands at ${tightest.usedPercent}%, ${top.model} serves up to ${top.until}%`
}
