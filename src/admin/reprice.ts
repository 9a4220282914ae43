import { z } from 'zod'
import { listCloses } from '../ledger/closes/list.ts'
import { adjustPeriod } from '../ledger/closes/seal.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { readTimeline } from '../ledger/price-snapshots.ts'
import { countCalls } from '../ledger/queries/count-calls.ts'
import {
  appendRepricings,
  type PricedCall,
  type PricedPlace,
  pricedCalls,
  type Repricing,
} from '../ledger/queries/reprice.ts'
import { type BillingTier, costOf } from '../pricing/cost.ts'
import { createPriceBook } from '../pricing/price-book.ts'
import type { PriceBook } from '../pricing/types.ts'
import { policyInForce } from './budget/policy-in-force.ts'
import type { AdminCommand, AdminPlace, Watch } from './command.ts'

const atMs = z.int().min(0)
const count = z.int().min(0)

const InputSchema = z.strictObject({
  ...{ fromMs: atMs, toMs: atMs },
  model: z.string().min(1).max(200).exactOptional(),
  dryRun: z.boolean().default(false),
})
type Input = z.infer<typeof InputSchema>

const ModelSchema = z.object({
  ...{ model: z.string(), provider: z.string() },
  calls: count,
  /** What changes, nano-USD. */
  ...{ costNano: z.int(), listNano: z.int() },
})
const RepricedSchema = z.object({
  /** False after a dry run: nothing was written down. */
  applied: z.boolean(),
  /** Calls that were looked at, those whose cost is another one, and those whose price nobody knows any more. */
  ...{ calls: count, differing: count, unpriced: count },
  ...{ costNano: z.int(), listNano: z.int() },
  /** The largest change first. */
  models: z.array(ModelSchema).readonly(),
})
export type Repriced = Readonly<z.infer<typeof RepricedSchema>>

const PAGE_CALLS = 2_000

/**
 * Works out again what the calls of a time cost, under the prices that hold for it, and appends the differences. Again
 * appends nothing. Budgets do not feel it: their counters stay as they were when the money was spent. Throws
 * POLICY_MISSING, LEDGER_UNAVAILABLE.
 */
export const repriceCommand: AdminCommand<Input, Repriced> = {
  name: 'reprice',
  summary: 'Price the calls of a time again and append what differs.',
  role: 'finance',
  changes: ({ dryRun }) => !dryRun,
  barFrom: 2_000,
  input: InputSchema,
  output: RepricedSchema,
  run: reprice,
}

async function reprice(place: AdminPlace, input: Input, watch?: Watch): Promise<Repriced> {
  const ledger = await place.ledger()
  const policy = await policyInForce(place)
  const book = createPriceBook(policy, await readTimeline(ledger, input.fromMs))
  const tally = createTally()
  const stamp = { by: place.by ?? 'operator', atMs: Date.now() }
  const total = watch ? await countCalls(ledger, input) : 0
  let after: PricedPlace | null = null
  for (;;) {
    const page: PricedCall[] = await pricedCalls(ledger, input, after, PAGE_CALLS)
    const changed = page.flatMap((call) => tally.add(call, priceAgain(call, book)))
    if (!input.dryRun) await appendRepricings(ledger, changed, stamp)
    after = page.at(-1) ?? null
    watch?.(tally.calls(), total, `${tally.differing()} differ`)
    if (after === null || page.length < PAGE_CALLS) break
  }
  if (!input.dryRun && tally.differing() > 0) await tellCloses(ledger, input)
  return tally.sum(!input.dryRun)
}

const MOST_CLOSES = 10_000

/** What is sealed names the change at once, however old it is. */
async function tellCloses(ledger: Ledger, { fromMs, toMs }: Input): Promise<void> {
  const sealed = await listCloses(ledger, { fromMs, toMs, limit: MOST_CLOSES })
  for (const period of sealed) await adjustPeriod(ledger, period)
}

/** @returns null when nobody knows its price any more. */
function priceAgain(call: PricedCall, book: PriceBook): Repricing | null {
  const { model, provider, admittedAtMs, usage, serviceTier } = call
  const price = book.price(model, provider, admittedAtMs)
  if (!price) return null
  const { costNano, listNano } = costOf(price, usage, tierOf(serviceTier))
  return {
    call,
    costNano: costNano - call.costNano,
    listNano: listNano - call.listNano,
    priceVersion: book.versionAt(admittedAtMs),
  }
}

const TIERS: readonly BillingTier[] = ['default', 'flex', 'priority', 'batch']
const tierOf = (served: string | null): BillingTier =>
  TIERS.find((tier) => tier === served) ?? 'default'

function createTally() {
  const models = new Map<string, z.infer<typeof ModelSchema>>()
  const sum = { calls: 0, differing: 0, unpriced: 0, costNano: 0, listNano: 0 }
  return {
    calls: () => sum.calls,
    differing: () => sum.differing,
    /** @returns the repricing when it changes anything. */
    add({ model, provider }: PricedCall, repricing: Repricing | null): readonly Repricing[] {
      sum.calls += 1
      if (repricing === null) sum.unpriced += 1
      if (!repricing || (repricing.costNano === 0 && repricing.listNano === 0)) return []
      const key = JSON.stringify([provider, model])
      const known = models.get(key) ?? { model, provider, calls: 0, costNano: 0, listNano: 0 }
      for (const part of [sum, known]) {
        part.costNano += repricing.costNano
        part.listNano += repricing.listNano
      }
      known.calls += 1
      sum.differing += 1
      models.set(key, known)
      return [repricing]
    },
    sum: (applied: boolean): Repriced => ({
      applied,
      ...sum,
      models: [...models.values()].toSorted((a, b) => Math.abs(b.costNano) - Math.abs(a.costNano)),
    }),
  }
}
