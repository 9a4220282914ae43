import type { ServiceTier } from '../config/policy-types.ts'
import { BursarError } from '../errors.ts'
import { type Charge, nanoOfCharges, nanoOfTokens } from '../money/charge.ts'
import { addNano, type Nano } from '../money/nano.ts'
import type { CostBound, ModelPrice, Rates, Usage } from './types.ts'

/** How a call is billed; batches are cheaper, priority is dearer. */
export type BillingTier = ServiceTier | 'batch'

/** What a call cost. */
export interface CallCost {
  /** At list price, whatever the tier. */
  readonly listNano: Nano
  /** With the tier's multiplier, and less what the contract says: what is booked. */
  readonly costNano: Nano
}

/**
 * Prices what a call used: an exact integer sum, rounded once, half up.
 * @param tier - as served, not as asked for.
 * @throws {BursarError} INVALID_MONEY when a count is negative or no integer, or the cost leaves the exact range.
 */
export function costOf(price: ModelPrice, usage: Usage, tier: BillingTier = 'default'): CallCost {
  const charges = chargesOf(price, usage)
  const listNano = nanoOfCharges(charges, 100, 'half-up')
  const percent = (price.multipliers[tier] * (100 - (price.discountPercent ?? 0))) / 100
  return {
    listNano,
    costNano: percent === 100 ? listNano : nanoOfCharges(charges, percent, 'half-up'),
  }
}

/** What is known of a call before it is made. */
export interface CallBoundInput {
  /** Counted, with its margin. */
  readonly inputTokens: number
  /** As it will be billed at most: a provider may serve a dearer tier than asked for, so pass the dearest that it may. */
  readonly serviceTier?: BillingTier | null
}

/**
 * Bounds what a call can cost: every input token at the dearest bucket, and input and output at the dearest
 * long-context step that the input can reach, at list price: a contract that ends does not make holds too small.
 * @throws {BursarError} INVALID_MONEY when the input is no count, or its cost leaves the exact range.
 */
export function costBound(price: ModelPrice, call: CallBoundInput): CostBound {
  const percent = price.multipliers[call.serviceTier ?? 'default']
  const reachable = price.steps.filter((step) => step.fromInputTokens <= call.inputTokens)
  const dearest = (pick: (rates: Rates) => number): number =>
    Math.max(0, ...reachable.map((step) => pick(step.rates)))
  const input = dearest((rates) => Math.max(rates.input, rates.cachedInput, rates.cacheWrite))
  return {
    fixedNano: nanoOfCharges([{ tokens: call.inputTokens, pico: input }], percent, 'ceil'),
    outputPico: Math.ceil((dearest((rates) => rates.output) * percent) / 100),
  }
}

/**
 * The most a call costs when its output is capped.
 * @param outputTokens - the cap that is sent.
 * @throws {BursarError} INVALID_MONEY when the cap is no count, or the cost leaves the exact range.
 */
export const boundedCost = (bound: CostBound, outputTokens: number): Nano =>
  addNano(bound.fixedNano, nanoOfTokens(outputTokens, bound.outputPico, 'ceil'))

/**
 * Finds the largest output cap that an amount pays for; the inverse of `boundedCost`.
 * @param budgetNano - nano-USD, safe integer.
 * @returns tokens; -1 when not even the input is paid for, `MAX_SAFE_INTEGER` when output is free.
 */
export function maxOutputTokensFor(bound: CostBound, budgetNano: number): number {
  const restNano = budgetNano - bound.fixedNano
  if (restNano < 0) return -1
  if (bound.outputPico === 0) return Number.MAX_SAFE_INTEGER
  const restPico = restNano * 1_000
  const tokens = Number.isSafeInteger(restPico)
    ? (restPico - (restPico % bound.outputPico)) / bound.outputPico
    : Number((BigInt(restNano) * 1_000n) / BigInt(bound.outputPico))
  return Math.min(tokens, Number.MAX_SAFE_INTEGER)
}

function chargesOf(price: ModelPrice, usage: Usage): readonly Charge[] {
  const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens, reasoningTokens } = usage
  const rates = ratesFor(price, inputTokens + cachedInputTokens + cacheWriteTokens)
  return [
    { tokens: inputTokens, pico: rates.input },
    { tokens: cachedInputTokens, pico: rates.cachedInput },
    { tokens: cacheWriteTokens, pico: rates.cacheWrite },
    { tokens: outputTokens, pico: rates.output },
    { tokens: reasoningTokens, pico: rates.output },
  ]
}

/** The whole call is priced at the last step that its input reaches. */
function ratesFor(price: ModelPrice, inputTokens: number): Rates {
  const step = price.steps.findLast(({ fromInputTokens }) => fromInputTokens <= inputTokens)
  if (step) return step.rates
  throw new BursarError('UNKNOWN_MODEL', `the price of ${price.model} has no step from 0 tokens`)
}
