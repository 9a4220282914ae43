import { z } from 'zod'
import type { Policy } from '../../config/policy-types.ts'
import { BursarError, type ErrorCode, messageOf } from '../../errors.ts'
import type { Nano } from '../../money/nano.ts'
import { createPriceBook } from '../../pricing/price-book.ts'
import { policyInForce } from '../budget/policy-in-force.ts'
import type { AdminCommand, AdminPlace } from '../command.ts'
import { type Wanted, wantedOf, wantedUnder } from './wanted.ts'
import { warmOne } from './warm-one.ts'

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
type Sums = { -readonly [K in keyof Warmed]: Warmed[K] }

/**
 * Asks beforehand what somebody will ask, charged to the policy's budget for warming. Throws INVALID_ARGUMENT without
 * such a budget, INVALID_REQUEST naming a prompt that is none, POLICY_MISSING, SLOT_CLOSED, STORE_UNAVAILABLE.
 */
export const cacheWarm: AdminCommand<Readonly<z.infer<typeof InputSchema>>, Warmed> = {
  name: 'cache-warm',
  role: 'admin',
  input: InputSchema,
  output: WarmedSchema,
  async run(place, asked, watch) {
    const policy = await policyInForce(place)
    if (!policy.cache.warming) throw noBudget()
    const wanted = [
      ...asked.prompts.map((prompt) => wantedOf(prompt, asked, policy)),
      ...(await wantedUnder(asked.keys, await place.warming())),
    ]
    const sums: Sums = { warmed: 0, already: 0, skipped: 0, failed: 0, costNano: 0, why: [] }
    sums.failed += asked.keys.length + asked.prompts.length - wanted.length
    for (const [at, one] of wanted.entries()) {
      watch?.(at, wanted.length, '')
      await add(one, sums, asked.budgetNano ?? Number.MAX_SAFE_INTEGER, policy, place)
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

async function add(
  one: Wanted,
  sums: Sums,
  budgetNano: Nano,
  policy: Policy,
  place: AdminPlace,
): Promise<void> {
  const rules = { policy, prices: createPriceBook(policy) }
  try {
    const ended = await warmOne(one, budgetNano - sums.costNano, rules, place)
    sums[ended.as] += 1
    sums.costNano += ended.costNano
  } catch (error) {
    if (!(error instanceof BursarError) || ENDS_ALL.has(error.code)) throw error
    sums.failed += 1
    const why = messageOf(error)
    if (sums.why.length < 10 && !sums.why.includes(why)) sums.why = [...sums.why, why]
  }
}

const noBudget = (): BursarError =>
  new BursarError(
    'INVALID_ARGUMENT',
    'the policy has no budget for warming: say how much it may cost, e.g. cache: { warming: { usd: "1", per: day } }',
  )
