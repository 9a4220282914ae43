import { rungsFor } from '../admission/offer.ts'
import { entryOf } from '../admission/own-entry.ts'
import type { GovernedRequest } from '../admission/plan-types.ts'
import type { Policy, RungPolicy } from '../config/policy-types.ts'
import { isOpenAi } from '../pricing/is-openai.ts'
import { canonicalJson } from './canonical-json.ts'

/** What may answer a request. */
export interface ServedBy {
  /** Equal for all whom the same rungs may answer, in the same order and up to the same mark. */
  readonly text: string
  /** Whether the defaults of OpenAI's API hold on every rung. */
  readonly openAi: boolean
}

/** By the first rung, then by how many follow it: a request gets one rung of a ladder, or all from one on. */
const known = new WeakMap<RungPolicy, Map<number, ServedBy>>()

/**
 * Names the rungs that a request may be answered by: the consent that it gives. Tiers with equal ladders give the
 * same one, and so does a model that is asked for by its name where it stands alone.
 * @returns null when its tier may not use the model.
 */
export function servedBy(
  { model, tier, pinned }: Pick<GovernedRequest, 'model' | 'tier' | 'pinned'>,
  policy: Policy,
): ServedBy | null {
  const of = entryOf(policy.tiers, tier)
  const rungs = of ? rungsFor(policy, of, { model, pinned }) : []
  const [first] = rungs
  if (!first) return null
  const named = known.get(first) ?? new Map<number, ServedBy>()
  known.set(first, named)
  const before = named.get(rungs.length)
  if (before) return before
  const made = {
    text: canonicalJson(rungs.map(answersAs)),
    openAi: rungs.every(({ provider }) => isOpenAi(entryOf(policy.providers, provider))),
  }
  named.set(rungs.length, made)
  return made
}

/** All of a rung that an answer may show; how fast and how dear it comes is none of it. */
const answersAs = (rung: RungPolicy) => [
  rung.provider,
  rung.upstreamModel,
  rung.reasoningEffort,
  rung.maxOutputTokens,
  rung.until,
]
