import { sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Policy } from '../../config/policy-types.ts'
import { SafeInteger } from '../../ledger/columns.ts'
import { rowsOf } from '../../ledger/ledger.ts'
import { createPriceBook } from '../../pricing/price-book.ts'
import type { ModelPrice } from '../../pricing/types.ts'
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
  async look({ ledger, policy, nowMs }) {
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
    // Without the price for all unknown ones.
    const book = createPriceBook({ ...policy, unknownModels: 'refuse' })
    return rows
      .filter(({ model, provider }) => provider === null || !book.price(model, provider, nowMs))
      .map(({ model, provider, requests }) => ({
        scope: `model ${model}`,
        facts: { rule: 'unpriced-model', model, provider, requests },
      }))
  },
}

/** A model of a ladder costs another amount today than it did yesterday. */
export const priceChange: Rule = {
  name: 'price-change',
  async look({ policy, prices, nowMs }: World) {
    const todayMs = Math.floor(nowMs / DAY_MS) * DAY_MS
    return modelsOf(policy).flatMap(({ model, upstreamModel, provider }): Found[] => {
      const [before, after] = [todayMs - 1, nowMs].map((atMs) =>
        ratesOf(prices.price(upstreamModel, provider, atMs)),
      )
      if (!after || (before?.input === after.input && before.output === after.output)) return []
      const change = { before: before ?? null, after, effectiveFromMs: todayMs }
      return [
        { scope: `model ${model}`, facts: { rule: 'price-change', model, provider, ...change } },
      ]
    })
  },
}

function modelsOf({ ladders }: Policy) {
  const rungs = Object.values(ladders).flat()
  return [...new Map(rungs.map((rung) => [`${rung.provider} ${rung.model}`, rung])).values()]
}

/** As price pages write them: USD per million tokens. */
function ratesOf(price: ModelPrice | undefined) {
  const rates = price?.steps[0]?.rates
  return rates && { input: usdPerMtok(rates.input), output: usdPerMtok(rates.output) }
}

const usdPerMtok = (picoPerToken: number): string => String(picoPerToken / 1_000_000)
