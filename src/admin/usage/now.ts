import { z } from 'zod'
import { limitsFor } from '../../admission/plan/limit-lines.ts'
import { budgetChain } from '../../admission/plan/window-lines.ts'
import type { Policy } from '../../config/policy-types.ts'
import { reportLimit } from '../../queue/limit-words.ts'
import { type Identity, readIdentity } from '../../queue/request.ts'
import { policyInForce } from '../budget/policy-in-force.ts'
import type { AdminCommand, AdminPlace } from '../command.ts'
import type { ReadSlot } from '../place/read-slot.ts'
import { budgetState } from '../report/budgets.ts'

const nano = z.int()
const count = z.int().min(0)

const AnswerSchema = z.object({
  ...{ tenant: z.string(), user: z.string(), tier: z.string() },
  /** Every budget that a request of theirs must fit in, fullest first. */
  budgets: z.array(
    z.object({
      ...{ budget: z.string(), window: z.string() },
      ...{ limitNano: nano, spentNano: nano, heldNano: nano },
      usedPercent: z.number().nullable(),
      warnOnly: z.boolean(),
      ...{ startsAt: z.string(), endsAt: z.string() },
    }),
  ),
  /** Every limit that counts their requests, tokens or calls at a time. */
  limits: z.array(
    z.object({
      limit: z.string(),
      counts: z.string(),
      of: count,
      /** ms; null = what is concurrent has no period. */
      perMs: count.nullable(),
      remaining: count,
      resetsAt: z.string(),
      says: z.string(),
    }),
  ),
})
export type NowAnswer = Readonly<z.infer<typeof AnswerSchema>>

const name = z.string().min(1).max(1_000)
const InputSchema = z.strictObject({
  user: name,
  /** Absent = the policy's default tenant. */
  tenant: name.exactOptional(),
  /** Absent = the user's own. */
  tier: name.exactOptional(),
})
type Question = Readonly<z.infer<typeof InputSchema>>

/**
 * How full the budgets and limits of a user are now. Throws POLICY_MISSING, UNKNOWN_TIER, STORE_UNAVAILABLE,
 * LEDGER_UNAVAILABLE.
 */
export const usageNow: AdminCommand<Question, NowAnswer> = {
  name: 'usage-now',
  role: 'viewer',
  summary: 'How full the budgets and limits of a user are now.',
  input: InputSchema,
  output: AnswerSchema,
  run: answer,
}

async function answer(place: AdminPlace, question: Question): Promise<NowAnswer> {
  const policy = await policyInForce(place)
  const who = readIdentity(question, policy)
  const slot = await place.slot()
  const named = limitsFor(policy, who)
  const states = await slot.peekLimits(named.map(({ line }) => line))
  return {
    ...{ tenant: who.tenant, user: who.user, tier: who.tier },
    budgets: await budgetsOf(slot, policy, who),
    limits: named.flatMap((limit, at) => {
      const state = states[at]
      return state ? [reportLimit(limit, state)] : []
    }),
  }
}

async function budgetsOf(slot: ReadSlot, policy: Policy, who: Identity) {
  const lines = budgetChain(policy, who, await slot.now())
  const states = await slot.peek(lines.map(({ key }) => key))
  // Where nobody has spent yet, the policy says what there is.
  const known = lines.map((line, at) => states[at] ?? { ...line, spentNano: 0, heldNano: 0 })
  return known
    .map((state) => budgetState(state))
    .toSorted((a, b) => (b.usedPercent ?? 0) - (a.usedPercent ?? 0))
}
