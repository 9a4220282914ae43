import { amountFor } from '../admission/model/rungs.ts'
import { offerFor, rungsFor } from '../admission/offer.ts'
import { entryOf } from '../admission/own-entry.ts'
import type { TurnAsk } from '../admission/plan-lines.ts'
import type { GovernedRequest } from '../admission/plan-types.ts'
import { BursarError } from '../errors.ts'
import type { Nano } from '../money/nano.ts'
import type { Rules } from './context.ts'
import { queueOf } from './names.ts'

type Asker = Pick<GovernedRequest, 'tenant' | 'tier' | 'urgency'>

/** The turn that a request asks for: its tenant shares the queue with others by money, and by the weight of its tier. */
export const turnFor = (
  { tenant, tier, urgency }: Asker,
  { policy }: Pick<Rules, 'policy'>,
  costNano: Nano,
): TurnAsk => ({
  queue: queueOf(urgency),
  flow: `${tier}/${tenant}`,
  costNano,
  weight: entryOf(policy.tiers, tier)?.weight ?? 1,
})

/** English text in JSON. Turns are shared by what is asked, and counting tokens is the worker's work. */
const BYTES_PER_TOKEN = 4

/**
 * Guesses what a request may cost on its first rung, from the size of its body and its output cap.
 * @returns nano-USD; 0 when no rung serves it, or nobody can say: the worker refuses it, and says why.
 */
export function guessNano(
  request: GovernedRequest,
  bodyBytes: number,
  rules: Rules,
  nowMs: number,
): Nano {
  const { policy } = rules
  const tier = entryOf(policy.tiers, request.tier)
  if (!tier) return 0
  const tokens = Math.ceil(bodyBytes / BYTES_PER_TOKEN)
  const counted = { tokens, exact: false, extraMarginPercent: 0, unseen: [] }
  for (const rung of rungsFor(policy, tier, request)) {
    const nano = boundOf(() => offerFor({ ...rules, request, nowMs }, rung, counted))
    if (nano !== null) return nano
  }
  return 0
}

function boundOf(offer: () => ReturnType<typeof offerFor>): Nano | null {
  try {
    const made = offer()
    return made && amountFor(made.offer, made.offer.capTokens)
  } catch (error) {
    if (error instanceof BursarError) return 0
    throw error
  }
}
