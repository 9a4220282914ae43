import { describe, expect, test } from 'vitest'
import type { Policy } from '../../src/config/policy-types.ts'
import type { DiscountPolicy } from '../../src/config/price-types.ts'
import { nanoOfCharges } from '../../src/money/charge.ts'
import { comparePriceLists } from '../../src/pricing/compare-lists.ts'
import { costBound, costOf } from '../../src/pricing/cost.ts'
import { overlayPrices } from '../../src/pricing/own-list.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { bundledCatalogue, hashOfCatalogue, readCatalogue } from '../../src/pricing/snapshot.ts'
import { timelineOf } from '../../src/pricing/timeline.ts'
import type { PriceSource } from '../../src/pricing/types.ts'
import { memoryShelf } from '../../src/queue/published-policy.ts'
import { createRules } from '../../src/queue/rules.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { policyOf } from './plan-policy.ts'

const DAY_MS = 86_400_000
const logger = createLogger({ level: 'silent', name: 'prices' })
const AT = Date.UTC(2026, 10, 21)

const source: PriceSource = {
  providers: {
    openai: { name: 'openai', baseUrl: 'https://api.openai.com/v1', prices: 'book' },
    azure: { name: 'azure', baseUrl: 'https://x.openai.azure.com/', prices: 'book' },
  },
  prices: [],
  multipliers: { batch: 50, flex: 50, priority: 200 },
}
const usage = {
  ...{ inputTokens: 1_000, cachedInputTokens: 0, cacheWriteTokens: 0 },
  ...{ outputTokens: 100, reasoningTokens: 0 },
}
const bundled = await bundledCatalogue()
const list = (input: string) =>
  overlayPrices(bundled, { prices: [{ model: 'gpt-6-sol', input, output: '9' }] })
const inputOf = (book: ReturnType<typeof createPriceBook>, atMs: number, name = 'openai') =>
  book.price('gpt-6-sol', name, atMs)?.steps[0]?.rates.input

describe('price lists by their dates', () => {
  const timeline = timelineOf([
    { number: 3, effectiveFromMs: AT + DAY_MS, catalogue: list('7') },
    { number: 4, effectiveFromMs: AT, catalogue: list('5') },
    { number: 2, effectiveFromMs: AT, catalogue: list('3') },
  ])
  const book = createPriceBook(source, timeline)

  test('each holds from its date to the next one’s, of one date the one that came last', () => {
    const times = [AT - 1, AT, AT + DAY_MS - 1, AT + DAY_MS, AT + 9 * DAY_MS]
    expect(times.map((at) => inputOf(book, at))).toEqual([2e6, 5e6, 5e6, 7e6, 7e6])
    expect(times.toReversed().map((at) => inputOf(book, at))).toEqual([7e6, 7e6, 5e6, 5e6, 2e6])
  })

  test('a price names the list that it goes by', () => {
    expect(book.versionAt(AT - 1)).toMatch(/^genai-prices@0\.1\.8\+/)
    expect(book.versionAt(AT)).toMatch(/^prices@4\+[0-9a-f]{8}$/)
    expect(book.versionAt(AT + DAY_MS)).toMatch(/^prices@3\+/)
  })

  test('rules price by a list as soon as their process knows it, under the same policy', () => {
    let lists = timelineOf([])
    const parts = { shelf: memoryShelf(), env: {}, logger, adapt: (policy: Policy) => policy }
    const rules = createRules(policyOf(), { ...parts, lists: () => lists })
    const before = rules.current()
    expect(rules.current()).toBe(before)
    lists = timeline
    expect(inputOf(rules.current().prices, AT)).toBe(5e6)
    expect(rules.current().policy).toBe(before.policy)
    expect(rules.current()).toBe(rules.current())
  })

  test('what a reseller has is looked up in the same list', () => {
    expect(inputOf(book, AT, 'azure')).toBe(5e6)
  })

  test('the list that came along prices alike when it is imported', () => {
    const imported = createPriceBook(source, [
      {
        number: 1,
        effectiveFromMs: 0,
        catalogue: readCatalogue(JSON.parse(JSON.stringify(bundled))),
      },
    ])
    const plain = createPriceBook(source)
    const models = bundled.find(({ id }) => id === 'openai')?.models ?? []
    expect(models.length).toBeGreaterThan(50)
    for (const { id } of models) {
      expect([id, imported.price(id, 'openai', AT)]).toEqual([id, plain.price(id, 'openai', AT)])
    }
  })

  test('two lists are compared by model, whatever order they are written in', () => {
    expect(comparePriceLists(bundled, bundled.toReversed())).toEqual([])
    expect(hashOfCatalogue(bundled.toReversed())).toBe(hashOfCatalogue(bundled))
    const changes = comparePriceLists(bundled, list('3'))
    expect(changes.map(({ model, change }) => [model, change])).toEqual([['gpt-6-sol', 'changed']])
  })

  test('a list that is none says where', () => {
    expect(() =>
      readCatalogue([{ id: 'openai', name: 'x', api_pattern: '', models: [{}] }]),
    ).toThrow(/0\.models\.0/)
    const own = { prices: [{ model: 'a', provider: 'nobody', input: '1' }] }
    expect(() => overlayPrices(bundled, own)).toThrow(/no provider nobody/)
    expect(() => overlayPrices(bundled, { prices: [{ model: 'a', input: '-1' }] })).toThrow(/USD/)
  })
})

describe('discounts of contracts', () => {
  const discount = (part: Partial<DiscountPolicy>): DiscountPolicy => ({
    ...{ provider: 'openai', model: null, percent: 10, fromMs: 0, untilMs: null },
    ...part,
  })
  const cost = (discounts: readonly DiscountPolicy[], atMs = AT, model = 'gpt-6-sol') => {
    const price = createPriceBook({ ...source, discounts }).price(model, 'openai', atMs)
    return price && costOf(price, usage, 'batch')
  }

  test('are taken off what is booked, and not off the list price', () => {
    expect(cost([])).toEqual({ listNano: 3_000_000, costNano: 1_500_000 })
    expect(cost([discount({ percent: 12.34 })])).toEqual({
      listNano: 3_000_000,
      costNano: 1_314_900,
    })
  })

  test('begin and end on their dates; one for the model wins', () => {
    const discounts = [
      discount({ fromMs: AT, untilMs: AT + DAY_MS }),
      discount({ model: 'gpt-6-sol', percent: 50, fromMs: AT + DAY_MS / 2, untilMs: AT + DAY_MS }),
    ]
    const book = createPriceBook({ ...source, discounts })
    const at = (ms: number) => book.price('gpt-6-sol', 'openai', AT + ms)?.discountPercent
    const times = [-1, 0, DAY_MS / 2 - 1, DAY_MS / 2, DAY_MS - 1, DAY_MS]
    expect(times.map(at)).toEqual([undefined, 10, 10, 50, 50, undefined])
    expect(book.price('gpt-6-luna', 'openai', AT + DAY_MS / 2)?.discountPercent).toBe(10)
  })

  test('make no hold smaller: a contract may end', () => {
    const price = createPriceBook({ ...source, discounts: [discount({ percent: 90 })] })
    const plain = createPriceBook(source)
    const bound = (book: typeof plain) => {
      const found = book.price('gpt-6-sol', 'openai', AT)
      return found && costBound(found, { inputTokens: 1_000 })
    }
    expect(bound(price)).toEqual(bound(plain))
  })

  test('are exact to the nano, above 2^53 too', () => {
    const charges = [{ tokens: 9_999_999, pico: 99_999_999 }]
    const exact = (BigInt(9_999_999) * 99_999_999n * 876_600n + 500_000_000n) / 1_000_000_000n
    expect(nanoOfCharges(charges, 87.66, 'half-up')).toBe(Number(exact))
    expect(() => nanoOfCharges(charges, 87.66666, 'half-up')).toThrow(/percent/)
  })
})
