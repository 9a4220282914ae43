import { sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Policy } from '../../config/policy-types.ts'
import { SafeInteger } from '../../ledger/columns.ts'
import { type Ledger, rowsOf } from '../../ledger/ledger.ts'
import { listSnapshots, readTimeline } from '../../ledger/price-snapshots.ts'
import { createPriceBook } from '../../pricing/price-book.ts'
import type { ModelPrice, PriceBook } from '../../pricing/types.ts'
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

/** A model of a ladder costs another amount today than it did yesterday. */
export const priceChange: Rule = {
  name: 'price-change',
  async look({ ledger, policy, prices, nowMs }) {
    const todayMs = Math.floor(nowMs / DAY_MS) * DAY_MS
    const book = (await listSinceMs(ledger, nowMs)) < todayMs ? prices : await bookOf()
    return modelsOf(policy).flatMap(({ model, upstreamModel, provider }): Found[] => {
      const [before, after] = [todayMs - 1, nowMs].map((atMs) =>
        ratesOf(book.price(upstreamModel, provider, atMs)),
      )
      if (!after || (before?.input === after.input && before.output === after.output)) return []
      const change = { before: before ?? null, after, effectiveFromMs: todayMs }
      return [
        { scope: `model ${model}`, facts: { rule: 'price-change', model, provider, ...change } },
      ]
    })

    /** A process that began today knows yesterday's list no more. */
    async function bookOf(): Promise<PriceBook> {
      return createPriceBook(policy, await readTimeline(ledger, todayMs - 1))
    }
  },
}

/** Since when the price list holds that is in force; 0 = none was ever imported. */
async function listSinceMs(ledger: Ledger, nowMs: number): Promise<number> {
  const begun = (await listSnapshots(ledger)).map(({ effectiveFromMs }) => effectiveFromMs)
  return Math.max(0, ...begun.filter((atMs) => atMs <= nowMs))
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
