import { rename, writeFile } from 'node:fs/promises'
import { type Draw, drawInt, drawOne } from '../../src/cli/traffic/draw.ts'
import type { Nano } from '../../src/money/nano.ts'
import { formatUsd } from '../../src/money/usd.ts'

/** In every chain, and never the tight one. */
export const COMPANY = 'company'
export const TENANTS = 100
export const FEATURES = 60
const TEAMS = 39

interface Budget {
  readonly id: string
  readonly scope: unknown
  readonly per: string
  limitNano: Nano
}

/** A call of the cheapest rung holds some 50,000 nano-USD, of the best one some 5,000,000. */
const TIGHTEST_NANO = 100_000
const MOST_GRANTED_NANO = 20_000_000
const EDITED = 20

/** The policy file of a run, edited while everybody works. */
export interface PolicyFile {
  readonly path: string
  /** Changes some limits, up and down. */
  edit(): Promise<void>
  /** Draws a top-up for a budget whose window does not roll within a run; counted before anybody is told. */
  topUp(): { readonly budget: string; readonly amountNano: Nano }
  /** The highest limit that a budget ever had, with all that was granted to it, nano-USD. */
  highestOf(budget: string): Nano
}

/** Writes a policy of 200 budgets, most of them tight, against the provider at `url`. */
export async function writePolicy(path: string, url: string, draw: Draw): Promise<PolicyFile> {
  const budgets = firstBudgets(draw)
  const highest = new Map(budgets.map(({ id, limitNano }) => [id, limitNano]))
  const granted = new Map<string, Nano>()
  const lasting = budgets.filter(({ id, per }) => id !== COMPANY && per !== 'minute')
  const write = async () => {
    // In one step: nobody may read half of it.
    await writeFile(`${path}.new`, JSON.stringify(policyOf(budgets, url)))
    await rename(`${path}.new`, path)
  }
  await write()
  return {
    path,
    highestOf: (id) => (highest.get(id) ?? Number.NaN) + (granted.get(id) ?? 0),
    topUp() {
      const budget = drawOne(draw, lasting)?.id ?? COMPANY
      const amountNano = TIGHTEST_NANO + drawInt(draw, MOST_GRANTED_NANO)
      granted.set(budget, (granted.get(budget) ?? 0) + amountNano)
      return { budget, amountNano }
    },
    async edit() {
      for (let edited = 0; edited < EDITED; edited++) {
        const budget = drawOne(draw, budgets)
        if (!budget || budget.id === COMPANY) continue
        budget.limitNano = Math.max(
          Math.floor(budget.limitNano * (0.4 + 1.6 * draw())),
          TIGHTEST_NANO,
        )
        // Before it is written: a worker may be quicker than our next line.
        highest.set(budget.id, Math.max(highest.get(budget.id) ?? 0, budget.limitNano))
      }
      await write()
    },
  }
}

function firstBudgets(draw: Draw): Budget[] {
  const tight = (most: Nano) => TIGHTEST_NANO + drawInt(draw, most)
  const of = (count: number, make: (at: number) => Budget) =>
    Array.from({ length: count }, (_, at) => make(at))
  return [
    { id: COMPANY, scope: 'global', per: 'month', limitNano: 1_000_000_000_000 },
    ...of(TENANTS, (at) => {
      return {
        id: `t${at}`,
        scope: { tenant: `t${at}` },
        per: 'minute',
        limitNano: tight(20_000_000),
      }
    }),
    ...of(FEATURES, (at) => {
      return {
        id: `f${at}`,
        scope: { tag: `feature=f${at}` },
        per: 'hour',
        limitNano: tight(200_000_000),
      }
    }),
    ...of(TEAMS, (at) => {
      return {
        id: `d${at}`,
        scope: { tenant: `t${at}` },
        per: 'day',
        limitNano: tight(2_000_000_000),
      }
    }),
  ]
}

const policyOf = (budgets: readonly Budget[], url: string) => ({
  version: 1,
  timezone: 'UTC',
  identity: { default_tenant: 't0', default_tier: 'basic' },
  defaults: { max_output_tokens: 256, min_output_tokens: 16, attempts: 3, timeout: '2s' },
  tiers: { basic: { ladder: 'standard', on_exhausted: 'park' } },
  budgets: budgets.map(({ id, scope, per, limitNano }) => ({
    id,
    scope,
    per,
    usd: formatUsd(limitNano),
  })),
  ladders: {
    standard: [
      { model: 'gpt-6-astra', until: 60 },
      { model: 'gpt-6-sol', until: 85 },
      { model: 'gpt-6-luna' },
    ],
  },
  providers: {
    openai: {
      base_url: url,
      key: 'sandbox',
      // A 500 of this provider may come after the work was done, and billed.
      profile: { unbilled_status: [400, 401, 403, 404, 409, 413, 422, 429, 503] },
    },
  },
  cache: { responses: { ttl: '1h' } },
})
