import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_NANO } from '../../src/money/nano.ts'
import { boundedCost, costBound, costOf, maxOutputTokensFor } from '../../src/pricing/cost.ts'
import type { ModelPrice, Rates } from '../../src/pricing/types.ts'

const pico = fc.nat(200_000_000)
const rates: fc.Arbitrary<Rates> = fc.record({
  input: pico,
  cachedInput: pico,
  cacheWrite: pico,
  output: pico,
})
const price: fc.Arbitrary<ModelPrice> = fc
  .record({
    base: rates,
    later: fc.uniqueArray(
      fc.record({ fromInputTokens: fc.integer({ min: 1, max: 500_000 }), rates }),
      {
        maxLength: 3,
        selector: (step) => step.fromInputTokens,
      },
    ),
    percents: fc.tuple(fc.nat(300), fc.nat(300), fc.nat(300)),
  })
  .map(({ base, later, percents: [batch, flex, priority] }) => ({
    model: 'm',
    provider: 'p',
    steps: [
      { fromInputTokens: 0, rates: base },
      ...later.toSorted((a, b) => a.fromInputTokens - b.fromInputTokens),
    ],
    multipliers: { default: 100, batch, flex, priority },
  }))
const tier = fc.constantFrom('default', 'batch', 'flex', 'priority')
/** Parts of a count, and what of it is not used. */
const parts = fc.tuple(fc.nat(250_000), fc.nat(250_000), fc.nat(250_000), fc.nat(1_000))
const outputs = fc.tuple(fc.nat(60_000), fc.nat(60_000), fc.nat(1_000))

describe('the bound of a call', () => {
  test('no usage within the counted input and the cap costs more than its hold', () => {
    const law = fc.property(price, tier, parts, outputs, (model, serviceTier, input, output) => {
      const [inputTokens, cachedInputTokens, cacheWriteTokens, unusedInput] = input
      const [outputTokens, reasoningTokens, unusedOutput] = output
      const counted = inputTokens + cachedInputTokens + cacheWriteTokens + unusedInput
      const cap = outputTokens + reasoningTokens + unusedOutput
      const hold = boundedCost(costBound(model, { inputTokens: counted, serviceTier }), cap)
      const usage = {
        inputTokens,
        cachedInputTokens,
        cacheWriteTokens,
        outputTokens,
        reasoningTokens,
      }
      expect(costOf(model, usage, serviceTier).costNano).toBeLessThanOrEqual(hold)
    })
    fc.assert(law, { numRuns: 2_000 })
  })

  test('the cap that an amount buys costs no more than it, and one token more does', () => {
    const bound = fc.record({
      fixedNano: fc.nat(1e12),
      outputPico: fc.integer({ min: 1, max: 4e8 }),
    })
    const law = fc.property(bound, fc.integer({ min: 0, max: MAX_NANO }), (b, budgetNano) => {
      const cap = maxOutputTokensFor(b, budgetNano)
      if (cap === -1) {
        expect(budgetNano).toBeLessThan(b.fixedNano)
        return
      }
      fc.pre(cap < Number.MAX_SAFE_INTEGER)
      expect(exactCost(b, cap) <= BigInt(budgetNano)).toBe(true)
      expect(exactCost(b, cap + 1) > BigInt(budgetNano)).toBe(true)
    })
    fc.assert(law, { numRuns: 1_000 })
  })

  test('more input never costs less', () => {
    const law = fc.property(price, fc.nat(600_000), fc.nat(1_000), (model, inputTokens, more) => {
      const less = costBound(model, { inputTokens })
      const dearer = costBound(model, { inputTokens: inputTokens + more })
      expect(dearer.fixedNano).toBeGreaterThanOrEqual(less.fixedNano)
      expect(dearer.outputPico).toBeGreaterThanOrEqual(less.outputPico)
    })
    fc.assert(law)
  })
})

const exactCost = (bound: { fixedNano: number; outputPico: number }, tokens: number): bigint =>
  BigInt(bound.fixedNano) + (BigInt(tokens) * BigInt(bound.outputPico) + 999n) / 1_000n
