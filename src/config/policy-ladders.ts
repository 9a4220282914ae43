import type { ModelPrice, PriceBook, Rates } from '../pricing/types.ts'
import { modelTarget } from './model-target.ts'
import type { PolicyPath, Report } from './policy-errors.ts'
import type { Policy, RungPolicy } from './policy-types.ts'

/** A rung and where it stands in the file: rungs of absent providers are left out, so places may differ. */
export interface PlacedRung {
  readonly rung: RungPolicy
  readonly path: PolicyPath
}

/** PROTOCOL 3.1: along a ladder `until` does not fall. */
export function checkUntil(rungs: readonly PlacedRung[], report: Report): void {
  for (const [i, { rung, path }] of rungs.entries()) {
    const before = rungs[i - 1]?.rung
    if (!before || open(rung) >= open(before)) continue
    report(
      [...path, 'until'],
      `falls from ${before.until ?? 'open'} to ${rung.until}, so this rung would never serve; write ${
        before.until === null
          ? `an until on ${before.model} that is below`
          : `${before.until} or more`
      }`,
    )
  }
}

const open = (rung: RungPolicy): number => rung.until ?? Number.POSITIVE_INFINITY

/** Law 7 and PROTOCOL 3.1: every rung has a price, and no rung costs more than the one before it. */
export function checkPrices(
  rungs: readonly PlacedRung[],
  policy: Policy,
  book: PriceBook,
  atMs: number,
  report: Report,
): void {
  for (const [i, placed] of rungs.entries()) {
    const price = priceOf(placed.rung, book, atMs)
    if (!price) {
      report([...placed.path, 'model'], noPrice(placed.rung.upstreamModel, placed.rung.provider))
      continue
    }
    const before = rungs[i - 1]
    const priceBefore = before && priceOf(before.rung, book, atMs)
    if (!before || !priceBefore) continue
    const dearer = dearerPart(
      worth(before.rung, priceBefore, policy),
      worth(placed.rung, price, policy),
    )
    if (dearer) {
      report(
        placed.path,
        `${placed.rung.model} costs more than ${before.rung.model} before it (${dearer}); put the dearer rung first`,
      )
    }
  }
}

/** Models that a tier allows beside its ladder need a price too. */
export function checkAllowed(
  models: readonly string[],
  path: PolicyPath,
  policy: Policy,
  book: PriceBook,
  atMs: number,
  report: Report,
): void {
  for (const [i, model] of models.entries()) {
    if (model === '*') continue
    const { provider, upstreamModel } = modelTarget(model, '', (name) =>
      Object.hasOwn(policy.providers, name),
    )
    if (!book.price(upstreamModel, provider, atMs)) {
      report([...path, i], noPrice(upstreamModel, provider))
    }
  }
}

const noPrice = (model: string, provider: string): string =>
  `no price is known for ${model} at ${provider}; correct the name, give its price under prices, or set unknown_models`

const priceOf = (rung: RungPolicy, book: PriceBook, atMs: number): ModelPrice | undefined =>
  book.price(rung.upstreamModel, rung.provider, atMs)

interface Worth {
  readonly price: ModelPrice
  /** Percent of list price, and of counted input. */
  readonly percent: number
  readonly margin: number
  /** Output tokens that the rung allows when nobody asks for less. */
  readonly cap: number
}

function worth(rung: RungPolicy, price: ModelPrice, policy: Policy): Worth {
  return {
    price,
    percent: price.multipliers[rung.serviceTier ?? 'default'],
    margin: 100 + (policy.providers[rung.provider]?.profile.inputMarginPercent ?? 0),
    cap: rung.maxOutputTokens ?? policy.defaults.maxOutputTokens,
  }
}

/** Amounts are linear between long-context steps, so comparing the rates at each step compares every call. */
function dearerPart(before: Worth, after: Worth): string | undefined {
  const starts = [...before.price.steps, ...after.price.steps].map((step) => step.fromInputTokens)
  for (const inputTokens of new Set(starts)) {
    const was = amountsAt(before, inputTokens)
    const is = amountsAt(after, inputTokens)
    const where = inputTokens === 0 ? '' : ` from ${inputTokens} input tokens on`
    if (is.input > was.input) return `its input${where}`
    if (is.output > was.output) return `its output${where}`
    if (is.output * after.cap > was.output * before.cap) {
      return `its output cap of ${after.cap} tokens${where}`
    }
  }
  return undefined
}

function amountsAt(
  { price, percent, margin }: Worth,
  inputTokens: number,
): { input: number; output: number } {
  const reachable = price.steps.filter((step) => step.fromInputTokens <= inputTokens)
  const dearest = (pick: (rates: Rates) => number): number =>
    Math.max(0, ...reachable.map(({ rates }) => pick(rates)))
  return {
    input: dearest((r) => Math.max(r.input, r.cachedInput, r.cacheWrite)) * percent * margin,
    output: dearest((r) => r.output) * percent,
  }
}
