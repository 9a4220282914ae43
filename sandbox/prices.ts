/** What the simulated provider charges: its own table, written by hand, shared with nobody. */

/** USD per million tokens. */
interface UsdPerMtok {
  readonly input: number
  readonly cached: number
  readonly cacheWrite: number
  readonly output: number
}

export interface Model {
  readonly kind: 'chat' | 'embedding'
  /** Thinks before it answers; thinking is billed as output. */
  readonly reasons: boolean
  /** Length of an embedding at full size; 0 for chat models. */
  readonly dimensions: number
  readonly usd: UsdPerMtok
  /** Input tokens from which the long-context rates hold; Infinity = never. */
  readonly longFrom: number
}

const chat = (usd: UsdPerMtok, longFrom: number, reasons = true): Model => ({
  kind: 'chat',
  reasons,
  dimensions: 0,
  usd,
  longFrom,
})

const embedding = (input: number, dimensions: number): Model => ({
  kind: 'embedding',
  reasons: false,
  dimensions,
  usd: { input, cached: input, cacheWrite: input, output: 0 },
  longFrom: Number.POSITIVE_INFINITY,
})

export const MODELS: ReadonlyMap<string, Model> = new Map([
  ['gpt-6-astra', chat({ input: 10, cached: 1, cacheWrite: 12.5, output: 50 }, 272_000)],
  ['gpt-6-sol', chat({ input: 2, cached: 0.2, cacheWrite: 2.5, output: 10 }, 272_001)],
  ['gpt-6-luna', chat({ input: 0.1, cached: 0.01, cacheWrite: 0.125, output: 0.5 }, 272_001)],
  [
    'small',
    chat({ input: 0, cached: 0, cacheWrite: 0, output: 0 }, Number.POSITIVE_INFINITY, false),
  ],
  ['text-embedding-3-small', embedding(0.02, 1536)],
  ['text-embedding-3-large', embedding(0.13, 3072)],
])

export type Tier = 'default' | 'flex' | 'priority'
/** How the call came in: one of the service tiers, or in a batch file. */
export type Lane = Tier | 'batch'

const PERCENT: Readonly<Record<Lane, bigint>> = {
  default: 100n,
  flex: 50n,
  priority: 200n,
  batch: 50n,
}
const LONG = { input: 2, output: 1.5 }

/** Disjoint counts: their sum is every token of the call. */
export interface Tokens {
  /** Input neither read from nor written to the prompt cache. */
  readonly input: number
  readonly cached: number
  readonly cacheWrite: number
  /** Visible output. */
  readonly output: number
  readonly reasoning: number
}

const pico = (tokens: number, usdPerMtok: number): bigint =>
  BigInt(tokens) * BigInt(Math.round(usdPerMtok * 1_000_000))

/** @returns the bill of one call in nano-USD, rounded half up once. */
export function priceNano(model: Model, tokens: Tokens, lane: Lane): number {
  const isLong = tokens.input + tokens.cached + tokens.cacheWrite >= model.longFrom
  const input = isLong ? LONG.input : 1
  const output = isLong ? LONG.output : 1
  const sum =
    pico(tokens.input, model.usd.input * input) +
    pico(tokens.cached, model.usd.cached * input) +
    pico(tokens.cacheWrite, model.usd.cacheWrite * input) +
    pico(tokens.output + tokens.reasoning, model.usd.output * output)
  return Number((sum * PERCENT[lane] + 50_000n) / 100_000n)
}
