import type { DiscountPolicy } from '../config/price-types.ts'

/** What a contract takes off around an instant. */
export interface DiscountSpan {
  /** To be spread into a price; empty = nothing is taken off. */
  readonly taken: { readonly discountPercent?: number }
  readonly fromMs: number
  /** Exclusive; Infinity = no later change is known. */
  readonly toMs: number
}

/**
 * Finds the discount in force: one for the model wins over one for its provider, and of several the one that began last.
 * @param discounts - of one provider.
 * @param atMs - UTC ms.
 */
export function discountSpan(
  discounts: readonly DiscountPolicy[],
  model: string,
  atMs: number,
): DiscountSpan {
  const mine = discounts.filter((one) => one.model === null || one.model === model)
  const borders = mine.flatMap((one) => [one.fromMs, one.untilMs ?? Number.POSITIVE_INFINITY])
  const [best] = mine
    .filter(({ fromMs, untilMs }) => fromMs <= atMs && (untilMs === null || atMs < untilMs))
    .toSorted((a, b) => Number(b.model !== null) - Number(a.model !== null) || b.fromMs - a.fromMs)
  return {
    taken: best ? { discountPercent: best.percent } : {},
    fromMs: Math.max(Number.NEGATIVE_INFINITY, ...borders.filter((border) => border <= atMs)),
    toMs: Math.min(Number.POSITIVE_INFINITY, ...borders.filter((border) => border > atMs)),
  }
}
