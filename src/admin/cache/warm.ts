import { z } from 'zod'
import { BursarError, type ErrorCode, messageOf } from '../../errors.ts'
import { createPriceBook } from '../../pricing/price-book.ts'
import { policyInForce } from '../budget/policy-in-force.ts'
import type { AdminCommand } from '../command.ts'
import { wantedOf, wantedUnder } from './wanted.ts'
import { type WarmEnd, warmOne } from './warm-one.ts'

const name = z.string().trim().min(1).max(256)
/** What one question carries: the answer comes when all of them have ended. */
const MOST_ASKED = 100

const InputSchema = z.strictObject({
  /** Requests as an app writes them. */
  prompts: z.array(z.record(z.string(), z.unknown())).max(MOST_ASKED).default([]),
  /** Prompts that were learned, by the keys of their answers. */
  keys: z.array(z.string()).max(MOST_ASKED).default([]),
  /** Whose, where a prompt does not say. */
  tenant: name.optional(),
  user: name.optional(),
  /** Nothing is asked that could pass it; the policy's own budget for warming holds all the same. */
  budgetNano: z.int().min(0).optional(),
})

const WarmedSchema = z.object({
  /** Asked and kept now; kept already; not asked, for the money ends before; ended otherwise. */
  ...{ warmed: z.int(), already: z.int(), skipped: z.int(), failed: z.int() },
  costNano: z.int(),
  /** Why, of those that ended otherwise, the first of each kind. */
  why: z.array(z.string()),
})
export type Warmed = Readonly<z.infer<typeof WarmedSchema>>
type Sums = z.infer<typeof WarmedSchema>
const MOST_WHY = 10

/**
 * Asks beforehand what somebody will ask, charged to the policy's budget for warming. Throws INVALID_ARGUMENT without
 * such a budget, INVALID_REQUEST naming a prompt that is none, POLICY_MISSING, SLOT_CLOSED, STORE_UNAVAILABLE.
 */
export const cacheWarm: AdminCommand<Readonly<z.infer<typeof InputSchema>>, Warmed> = {
  name: 'cache-warm',
  role: 'admin',
  summary: 'Asks prompts beforehand, charged to the budget for warming.',
  input: InputSchema,
  output: WarmedSchema,
  async run(place, asked, watch) {
    const policy = await policyInForce(place)
    if (!policy.cache.warming) throw noBudget()
    const wanted = [
      ...asked.prompts.map((prompt) => wantedOf(prompt, asked, policy)),
      ...(await wantedUnder(asked.keys, await place.warming())),
    ]
    const gone = asked.keys.length + asked.prompts.length - wanted.length
    const sums: Sums = { warmed: 0, already: 0, skipped: 0, failed: gone, costNano: 0, why: [] }
    if (gone > 0) sums.why.push('a prompt is no longer kept: it is learned anew when it is asked')
    const rules = { policy, prices: createPriceBook(policy) }
    const budgetNano = asked.budgetNano ?? Number.MAX_SAFE_INTEGER
    for (const [at, one] of wanted.entries()) {
      watch?.(at, wanted.length, '')
      await add(sums, () => warmOne(one, budgetNano - sums.costNano, rules, place))
    }
    return sums
  },
}

/** What the next prompt would meet, too. */
const ENDS_ALL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'STORE_UNAVAILABLE',
  'SLOT_CLOSED',
  'WAIT_TIMEOUT',
])

async function add(sums: Sums, ask: () => Promise<WarmEnd>): Promise<void> {
  try {
    const { as, costNano } = await ask()
    sums[as] += 1
    sums.costNano += costNano
  } catch (error) {
    if (!(error instanceof BursarError) || ENDS_ALL.has(error.code)) throw error
    sums.failed += 1
    const why = messageOf(error)
    if (sums.why.length < MOST_WHY && !sums.why.includes(why)) sums.why.push(why)
  }
}

const noBudget = (): BursarError =>
  new BursarError(
    'INVALID_ARGUMENT',
    'the policy has no budget for warming: say how much it may cost, e.g. cache: { warming: { usd: "1", per: day } }',
  )
