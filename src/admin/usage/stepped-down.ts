import type { Policy, RungPolicy } from '../../config/policy-types.ts'
import { isBursarError } from '../../errors.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { spend } from '../../ledger/questions/spend.ts'
import { nanoOfCharges } from '../../money/charge.ts'
import type { Nano } from '../../money/nano.ts'
import { createPriceBook } from '../../pricing/price-book.ts'
import type { ModelPrice, PriceBook } from '../../pricing/types.ts'
import { periodOf, type UsageQuestion } from './question.ts'

/** Calls of a model further down the ladder than what was asked for. */
export interface SteppedDown {
  readonly tier: string
  /** What would have answered with money to spare, and what did. */
  readonly asked: string
  readonly served: string
  readonly calls: number
  readonly listNano: Nano
  /** The same tokens at the list price of the model that was asked for: about what was saved, and more or less words of another model. */
  readonly wouldNano: Nano
}

const TOKENS = [
  ...(['inputTokens', 'cachedInputTokens', 'cacheWriteTokens'] as const),
  ...(['outputTokens', 'reasoningTokens'] as const),
]
const MEASURES = ['calls', 'costNano', 'listNano', ...TOKENS] as const
const MOST_PAIRS = 500

/**
 * Estimates what it saved that cheaper models answered, at today's prices and ladders.
 * @returns dearest difference first; null = the question is by tags, with which tiers are not kept.
 */
export async function steppedDown(
  ledger: Pick<Ledger, 'db'>,
  policy: Policy,
  question: UsageQuestion,
): Promise<SteppedDown[] | null> {
  const { range } = periodOf(question)
  const prices = createPriceBook(policy)
  try {
    const { rows } = await spend(ledger, {
      ...{ range, measures: MEASURES, rankBy: 'costNano', top: MOST_PAIRS },
      by: ['tier', 'modelRequested', 'model'],
      where: { ...question.where, kind: ['call'] },
    })
    const pairs = rows.flatMap(({ group: [tier = '', requested = '', served = ''], now }) => {
      const asked = askedRung(policy, tier, requested)
      if (!asked || asked.model === served) return []
      const wouldNano = atPriceOf(prices, asked, range.toMs, now)
      if (wouldNano === null || wouldNano <= now.listNano) return []
      const { calls, listNano } = now
      return [{ tier, asked: asked.model, served, calls, listNano, wouldNano }]
    })
    return pairs.toSorted((a, b) => b.wouldNano - b.listNano - (a.wouldNano - a.listNano))
  } catch (error) {
    if (isBursarError(error, 'INVALID_ARGUMENT')) return null
    throw error
  }
}

/** `auto` starts at the top of the tier's ladder, a named model at its own rung there. */
function askedRung(policy: Policy, tier: string, requested: string): RungPolicy | undefined {
  const ladder = policy.ladders[policy.tiers[tier]?.ladder ?? ''] ?? []
  return requested === 'auto' ? ladder[0] : ladder.find(({ model }) => model === requested)
}

/** Long contexts are priced as short ones: sums do not say how long each call was. */
function atPriceOf(
  prices: PriceBook,
  { model, provider }: RungPolicy,
  atMs: number,
  used: Readonly<Record<(typeof TOKENS)[number], number>>,
): Nano | null {
  const rates = prices.price(model, provider, atMs)?.steps[0]?.rates
  return rates ? nanoOfCharges(chargesOf(rates, used), 100, 'half-up') : null
}

const chargesOf = (
  rates: ModelPrice['steps'][number]['rates'],
  used: Readonly<Record<(typeof TOKENS)[number], number>>,
) => [
  { tokens: used.inputTokens, pico: rates.input },
  { tokens: used.cachedInputTokens, pico: rates.cachedInput },
  { tokens: used.cacheWriteTokens, pico: rates.cacheWrite },
  { tokens: used.outputTokens + used.reasoningTokens, pico: rates.output },
]
