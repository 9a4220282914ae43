import type { ApiKey } from '../../access/api-key.ts'
import { assertModels } from '../../access/scope.ts'
import { rungsFor } from '../../admission/offer.ts'
import { entryOf } from '../../admission/own-entry.ts'
import type { Policy, RungPolicy, TierPolicy } from '../../config/policy-types.ts'
import { BursarError, isBursarError } from '../../errors.ts'
import type { Rules } from '../../queue/context.ts'
import { readIdentity } from '../../queue/request.ts'

/** A model as OpenAI lists it. */
export interface ListedModel {
  readonly id: string
  readonly object: 'model'
  /** Nobody knows when it was made. */
  readonly created: 0
  /** Its provider; `bursar` for the choice that the budget makes. */
  readonly owned_by: string
}

/** Who asks: with which key, and as whom. */
export interface Asker {
  readonly key: ApiKey | null
  /** Fields of a request, narrowed. */
  readonly asked: object
}

const AUTO = 'auto'
const EVERY = '*'

/** The models that somebody may name: `auto`, those of the tier's ladder, and those it lists; each with a price. */
export function listModels(asker: Asker, rules: Rules, nowMs: number): readonly ListedModel[] {
  const tier = tierOf(asker, rules.policy)
  const names = new Set([AUTO, ...namesOf(rules.policy, tier)])
  return [...names].flatMap((name) => look(name, tier, asker, rules, nowMs) ?? [])
}

/** @throws {BursarError} UNKNOWN_MODEL, also of one that others may use. */
export function oneModel(id: string, asker: Asker, rules: Rules, nowMs: number): ListedModel {
  const tier = tierOf(asker, rules.policy)
  const found = look(id, tier, asker, rules, nowMs)
  if (found) return found
  throw new BursarError('UNKNOWN_MODEL', `no model '${id}' is served here: GET /v1/models has them`)
}

function tierOf({ asked }: Asker, policy: Policy): TierPolicy {
  const tier = entryOf(policy.tiers, readIdentity(asked, policy).tier)
  if (!tier) throw new RangeError('an identity names a tier that the policy has')
  return tier
}

function namesOf(policy: Policy, { ladder, models }: TierPolicy): readonly string[] {
  const own = (entryOf(policy.ladders, ladder) ?? []).map(({ model }) => model)
  const named = models.filter((model) => model !== EVERY)
  if (!models.includes(EVERY)) return [...own, ...named]
  const others = Object.values(policy.ladders).flatMap((rungs) => rungs.map(({ model }) => model))
  return [...own, ...named, ...others, ...policy.prices.map(({ model }) => model)]
}

function look(
  name: string,
  tier: TierPolicy,
  asker: Asker,
  { policy, prices }: Rules,
  nowMs: number,
): ListedModel | undefined {
  const hasPrice = ({ upstreamModel, provider }: RungPolicy) =>
    prices.price(upstreamModel, provider, nowMs) !== undefined
  const [first] = rungsFor(policy, tier, { model: name, pinned: false }).filter(hasPrice)
  if (!first || !mayUse(name, asker, policy)) return undefined
  const owner = name === AUTO ? 'bursar' : first.provider
  return { id: name, object: 'model', created: 0, owned_by: owner }
}

function mayUse(model: string, { key, asked }: Asker, policy: Policy): boolean {
  if (key === null) return true
  try {
    assertModels(key, { ...asked, model }, policy)
    return true
  } catch (error) {
    if (isBursarError(error, 'ACCESS_DENIED')) return false
    throw error
  }
}
