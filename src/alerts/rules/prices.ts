import { sql } from 'drizzle-orm'
import { z } from 'zod'
import { policyFromJson } from '../../config/policy-json.ts'
import type { Policy, RungPolicy } from '../../config/policy-types.ts'
import { SafeInteger } from '../../ledger/columns.ts'
import { type Ledger, rowsOf } from '../../ledger/ledger.ts'
import { type RegisteredPolicy, readPolicyAt } from '../../ledger/policies.ts'
import { listSnapshots, readTimeline } from '../../ledger/price-snapshots.ts'
import { createPriceBook } from '../../pricing/price-book.ts'
import type { ModelPrice, PriceBook } from '../../pricing/types.ts'
import type { World } from '../place.ts'
import type { Found, Rule } from './rule.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MOST_MODELS = 100

const Called = z.object({
  model: z.string(),
  provider: z.string().nullable(),
  requests: SafeInteger,
})

/** Somebody asked for a model that has no price, or got one at the price that stands for all unknown ones. */
export const unpricedModel: Rule = {
  name: 'unpriced-model',
  async look({ ledger, policy, prices, nowMs }) {
    const sinceMs = nowMs - HOUR_MS
    const rows = await rowsOf(
      ledger.db,
      Called,
      sql`
        select model_requested as model, null as provider, count(*) as requests from requests
        where ended_at_ms >= ${sinceMs}::bigint and reason = 'UNKNOWN_MODEL'
          and model_requested is not null
        group by 1
        union all
        select model, provider, count(*) from entries
        where admitted_at_ms >= ${sinceMs}::bigint and model is not null and provider is not null
        group by 1, 2
        order by 3 desc limit ${MOST_MODELS}`,
    )
    const book = typeof policy.unknownModels === 'object' ? await bookOfKnown() : prices
    return rows
      .filter(({ model, provider }) => provider === null || !book.price(model, provider, nowMs))
      .map(({ model, provider, requests }) => ({
        scope: `model ${model}`,
        facts: { rule: 'unpriced-model', model, provider, requests },
      }))

    /** Without the price for all unknown ones. */
    async function bookOfKnown(): Promise<PriceBook> {
      const source = { ...policy, unknownModels: 'refuse' } as const
      return createPriceBook(source, await readTimeline(ledger, nowMs))
    }
  },
}

/** A model of a ladder costs another amount today than it did yesterday: by the list of prices, or by the policy. */
export const priceChange: Rule = {
  name: 'price-change',
  async look(world) {
    const { policy, nowMs } = world
    const todayMs = Math.floor(nowMs / DAY_MS) * DAY_MS
    const { earlier, now } = await pricingSince(todayMs - 1, world)
    const known = modelsOf(earlier.policy)
    return [...modelsOf(policy)].flatMap(([name, { model, upstreamModel, provider }]): Found[] => {
      const before = ratesOf(earlier.prices.price(upstreamModel, provider, todayMs - 1))
      const after = ratesOf(now.price(upstreamModel, provider, nowMs))
      // A model that nobody could be given yesterday has a price for the first time.
      if (!after || !known.has(name)) return []
      if (before?.input === after.input && before.output === after.output) return []
      const change = { before: before ?? null, after, effectiveFromMs: todayMs }
      return [
        { scope: `model ${model}`, facts: { rule: 'price-change', model, provider, ...change } },
      ]
    })
  },
}

/**
 * Policy and prices of an earlier instant, and the prices of now: a process that began since knows neither policy nor list
 * of then, and one that has not looked for a while not the newest list. No policy of then, or one of an older Bursar that
 * this one cannot read: it is taken to have been today's.
 */
async function pricingSince(
  atMs: number,
  { ledger, policy, prices, nowMs }: World,
): Promise<{ earlier: Pick<World, 'policy' | 'prices'>; now: PriceBook }> {
  const registered = await readPolicyAt(ledger, atMs)
  const other = registered && registered.version !== policy.version ? readable(registered) : null
  if (!other && (await listSinceMs(ledger, nowMs)) <= atMs) {
    return { earlier: { policy, prices }, now: prices }
  }
  const timeline = await readTimeline(ledger, atMs)
  const now = createPriceBook(policy, timeline)
  const earlier = other
    ? { policy: other, prices: createPriceBook(other, timeline) }
    : { policy, prices: now }
  return { earlier, now }
}

function readable({ body, version }: RegisteredPolicy): Policy | null {
  try {
    return policyFromJson(body, version)
  } catch {
    return null
  }
}

/** Since when the price list holds that is in force; 0 = none was ever imported. */
async function listSinceMs(ledger: Ledger, nowMs: number): Promise<number> {
  const begun = (await listSnapshots(ledger)).map(({ effectiveFromMs }) => effectiveFromMs)
  return Math.max(0, ...begun.filter((atMs) => atMs <= nowMs))
}

/** Rungs of all ladders, each model of a provider once. */
const modelsOf = ({ ladders }: Policy): ReadonlyMap<string, RungPolicy> =>
  new Map(
    Object.values(ladders)
      .flat()
      .map((rung) => [`${rung.provider} ${rung.model}`, rung]),
  )

/** As price pages write them: USD per million tokens. */
function ratesOf(price: ModelPrice | undefined) {
  const rates = price?.steps[0]?.rates
  return rates && { input: usdPerMtok(rates.input), output: usdPerMtok(rates.output) }
}

const usdPerMtok = (picoPerToken: number): string => String(picoPerToken / 1_000_000)
