import { describe, expect, test } from 'vitest'
import lock from '../../package-lock.json' with { type: 'json' }
import type { PriceOverride } from '../../src/config/price-types.ts'
import { CATALOGUE_VERSION } from '../../src/pricing/catalogue.ts'
import {
  type BillingTier,
  boundedCost,
  costBound,
  costOf,
  maxOutputTokensFor,
} from '../../src/pricing/cost.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import type { ModelPrice, PriceSource, Usage } from '../../src/pricing/types.ts'

const AT = Date.UTC(2026, 10, 21)

const source: PriceSource = {
  providers: {
    openai: { name: 'openai', baseUrl: 'http://127.0.0.1:4010/v1', prices: 'book' },
    local: { name: 'local', baseUrl: 'http://127.0.0.1:8080/v1', prices: 'zero' },
    deep: { name: 'deep', baseUrl: 'https://api.deepseek.com/v1', prices: 'book' },
    house: { name: 'house', baseUrl: 'https://llm.example.com/v1', prices: 'book' },
  },
  prices: [],
  multipliers: { batch: 50, flex: 50, priority: 200 },
}
const book = createPriceBook(source)

const priceOf = (model: string, provider = 'openai', atMs = AT, from = book): ModelPrice => {
  const price = from.price(model, provider, atMs)
  if (!price) throw new Error(`no price for ${model}`)
  return price
}

const usage = (part: Partial<Usage>): Usage => ({
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  ...part,
})

const costNano = (model: string, part: Partial<Usage>, tier: BillingTier = 'default'): number =>
  costOf(priceOf(model), usage(part), tier).costNano

const override = (part: Partial<PriceOverride>): PriceOverride => ({
  model: 'gpt-6-sol',
  provider: 'openai',
  effectiveFromMs: 0,
  inputUsdPerMtok: '3',
  cachedInputUsdPerMtok: null,
  cacheWriteUsdPerMtok: null,
  outputUsdPerMtok: '12',
  longContext: null,
  ...part,
})

describe('golden vectors, added up by hand from the price page', () => {
  // Input rates in USD per million: astra 10, from 272,000 on 20; sol 2, above 272,000 4; luna 0.1 and 0.2.
  test.each([
    ['gpt-6-astra', 271_999, 2_719_990_000],
    ['gpt-6-astra', 272_000, 5_440_000_000],
    ['gpt-6-astra', 272_001, 5_440_020_000],
    ['gpt-6-sol', 271_999, 543_998_000],
    ['gpt-6-sol', 272_000, 544_000_000],
    ['gpt-6-sol', 272_001, 1_088_004_000],
    ['gpt-6-luna', 271_999, 27_199_900],
    ['gpt-6-luna', 272_000, 27_200_000],
    ['gpt-6-luna', 272_001, 54_400_200],
  ])('%s at %d input tokens', (model, inputTokens, expected) => {
    expect(costNano(model, { inputTokens })).toBe(expected)
  })

  test.each([
    ['cached input', { cachedInputTokens: 1_000 }, 200_000],
    ['cache writes', { cacheWriteTokens: 1_000 }, 2_500_000],
    ['visible output', { outputTokens: 1_000 }, 10_000_000],
    ['reasoning', { reasoningTokens: 1_000 }, 10_000_000],
    [
      'all five',
      {
        inputTokens: 1,
        cachedInputTokens: 2,
        cacheWriteTokens: 3,
        outputTokens: 4,
        reasoningTokens: 5,
      },
      99_900,
    ],
  ])('gpt-6-sol: %s', (_, part, expected) => {
    expect(costNano('gpt-6-sol', part)).toBe(expected)
  })

  test('the long-context step is chosen by all input, cached and written too, and prices the output', () => {
    const split = { inputTokens: 1, cachedInputTokens: 200_000, cacheWriteTokens: 72_000 }
    expect(costNano('gpt-6-sol', { ...split, outputTokens: 1_000 })).toBe(
      4_000 + 200_000 * 400 + 72_000 * 5_000 + 1_000 * 15_000,
    )
  })

  test.each([
    ['default', 21_000_000],
    ['batch', 10_500_000],
    ['flex', 10_500_000],
    ['priority', 42_000_000],
  ] as const)('gpt-6-sol served as %s', (tier, expected) => {
    const cost = costOf(
      priceOf('gpt-6-sol'),
      usage({ inputTokens: 500, outputTokens: 2_000 }),
      tier,
    )
    expect(cost).toEqual({ listNano: 21_000_000, costNano: expected })
  })

  test('half a nano is booked up, once for the whole call', () => {
    expect(costNano('gpt-6-luna', { cachedInputTokens: 1 }, 'batch')).toBe(5)
    expect(costNano('text-embedding-3-small', { inputTokens: 1 }, 'batch')).toBe(10)
    expect(costOf(priceOf('gpt-5'), usage({ cachedInputTokens: 1 }), 'batch').costNano).toBe(63)
  })
})

describe('price book', () => {
  test('a local model is priced at zero', () => {
    expect(costOf(priceOf('small', 'local'), usage({ inputTokens: 9, outputTokens: 9 }))).toEqual({
      listNano: 0,
      costNano: 0,
    })
  })

  test('a name with its provider before it is the same model', () => {
    const steps = (model: string) => book.price(model, 'openai', AT)?.steps
    expect(steps('openai/gpt-6-sol')).toEqual(steps('gpt-6-sol'))
  })

  test('no price is not zero', () => {
    expect(book.price('gpt-99', 'openai', AT)).toBeUndefined()
    expect(book.price('gpt-6-sol', 'house', AT)).toBeUndefined()
    expect(book.price('gpt-6-sol', 'nobody', AT)).toBeUndefined()
    expect(book.price('whisper-1', 'openai', AT)).toBeUndefined()
  })

  test('an unknown model is priced by the explicit pessimistic price', () => {
    const pessimistic = createPriceBook({
      ...source,
      unknownModels: { inputUsdPerMtok: '100', outputUsdPerMtok: '500' },
    })
    expect(priceOf('gpt-99', 'openai', AT, pessimistic).steps).toEqual([
      {
        fromInputTokens: 0,
        rates: { input: 1e8, cachedInput: 1e8, cacheWrite: 1e8, output: 5e8 },
      },
    ])
    expect(priceOf('gpt-6-sol', 'openai', AT, pessimistic)).toEqual(priceOf('gpt-6-sol'))
  })

  test('a missing cached or written rate is the input rate', () => {
    expect(priceOf('gpt-4').steps[0]?.rates).toEqual({
      input: 30_000_000,
      cachedInput: 30_000_000,
      cacheWrite: 30_000_000,
      output: 60_000_000,
    })
  })

  test('what has no output rate is not free of it', () => {
    expect(priceOf('text-embedding-3-small').steps[0]?.rates.output).toBe(20_000)
  })

  test('sound is priced at the dearest rate, as usage cannot tell it apart', () => {
    expect(priceOf('gpt-audio').steps[0]?.rates).toMatchObject({ input: 32e6, output: 64e6 })
  })

  test('a catalogue price changes at its start date', () => {
    const luna = (atMs: number) => priceOf('gpt-5.6-luna', 'openai', atMs).steps[0]?.rates.input
    expect(luna(Date.UTC(2026, 6, 30) - 1)).toBe(1_000_000)
    expect(luna(Date.UTC(2026, 6, 30))).toBe(200_000)
    expect(luna(Date.UTC(2026, 6, 30) - 1)).toBe(1_000_000)
  })

  test('a price by the hour changes on its minute', () => {
    const chat = (minute: number) =>
      priceOf('deepseek-chat', 'deep', AT + minute * 60_000).steps[0]?.rates.input
    expect(chat(29)).toBe(135_000)
    expect(chat(30)).toBe(270_000)
    expect(chat(16 * 60 + 30)).toBe(135_000)
  })

  test('an override holds from its date until the next one', () => {
    const june = Date.UTC(2026, 5, 1)
    const dated = createPriceBook({
      ...source,
      prices: [
        override({ effectiveFromMs: AT, inputUsdPerMtok: '7' }),
        override({ effectiveFromMs: june }),
      ],
    })
    const sol = (atMs: number) => priceOf('gpt-6-sol', 'openai', atMs, dated).steps[0]?.rates.input
    expect([june - 1, june, AT - 1, AT].map(sol)).toEqual([2e6, 3e6, 3e6, 7e6])
    expect([AT, AT - 1, june, june - 1].map(sol)).toEqual([7e6, 3e6, 3e6, 2e6])
  })

  test('an override may carry long-context rates, and wins over zero', () => {
    const longContext = {
      fromInputTokens: 1_000,
      inputUsdPerMtok: '0.000001',
      cachedInputUsdPerMtok: '0.0000001',
      cacheWriteUsdPerMtok: null,
      outputUsdPerMtok: '9',
    }
    const own = createPriceBook({
      ...source,
      prices: [override({ provider: 'local', model: 'small', longContext })],
    })
    const { steps } = priceOf('small', 'local', AT, own)
    expect(steps[1]).toEqual({
      fromInputTokens: 1_000,
      rates: { input: 1, cachedInput: 1, cacheWrite: 1, output: 9_000_000 },
    })
  })

  test('the version names the catalogue and changes with every price that may differ', () => {
    const versions = [
      book,
      createPriceBook({ ...source, prices: [override({})] }),
      createPriceBook({ ...source, multipliers: { ...source.multipliers, flex: 60 } }),
      createPriceBook({ ...source, providers: { openai: source.providers.openai ?? never() } }),
    ].map(({ version }) => version)
    expect(new Set(versions).size).toBe(4)
    expect(createPriceBook(source).version).toBe(book.version)
    expect(book.version).toMatch(/^genai-prices@0\.1\.8\+[0-9a-f]{8}$/)
    expect(lock.packages['node_modules/@pydantic/genai-prices'].version).toBe(CATALOGUE_VERSION)
  })
})

describe('bounds', () => {
  test('a hold covers input that is written to the cache, at the step it may reach', () => {
    expect(costBound(priceOf('gpt-6-sol'), { inputTokens: 272_000 })).toEqual({
      fixedNano: 272_000 * 2_500,
      outputPico: 10_000_000,
    })
    expect(costBound(priceOf('gpt-6-sol'), { inputTokens: 272_001 })).toEqual({
      fixedNano: 272_001 * 5_000,
      outputPico: 15_000_000,
    })
  })

  test('a hold follows the tier that is asked for', () => {
    const sol = priceOf('gpt-6-sol')
    expect(costBound(sol, { inputTokens: 1_000, serviceTier: 'priority' })).toEqual({
      fixedNano: 5_000_000,
      outputPico: 20_000_000,
    })
    expect(costBound(sol, { inputTokens: 1_000, serviceTier: 'batch' }).fixedNano).toBe(1_250_000)
  })

  test('short money buys the largest cap that it pays for', () => {
    const bound = { fixedNano: 1_000, outputPico: 10_000_000 }
    expect(maxOutputTokensFor(bound, 31_000)).toBe(3)
    expect(maxOutputTokensFor(bound, 30_999)).toBe(2)
    expect(boundedCost(bound, 3)).toBe(31_000)
    expect(maxOutputTokensFor(bound, 1_000)).toBe(0)
    expect(maxOutputTokensFor(bound, 999)).toBe(-1)
    expect(maxOutputTokensFor({ fixedNano: 0, outputPico: 0 }, 0)).toBe(Number.MAX_SAFE_INTEGER)
  })
})

function never(): never {
  throw new Error('unreachable')
}
