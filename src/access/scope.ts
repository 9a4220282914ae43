import { rungsFor } from '../admission/offer.ts'
import type { Policy } from '../config/policy-types.ts'
import { readIdentity } from '../queue/request.ts'
import type { ApiKey } from './api-key.ts'
import { denied } from './errors.ts'

/** What a key settles of every request that comes with it. */
export type Scope = Pick<ApiKey, 'id' | 'tenant' | 'user' | 'tier' | 'models'>

const SETTLED = ['tenant', 'user', 'tier'] as const

/**
 * Puts what the key settles into a request that nobody has read yet: the fields of a body or a query. What the key
 * leaves open stays as it is.
 * @throws {BursarError} ACCESS_DENIED when the request names somebody else; it is never silently changed.
 */
export function narrow<Fields extends object>(scope: Scope, asked: Fields): Fields {
  const settled: Partial<Record<(typeof SETTLED)[number], string>> = {}
  for (const field of SETTLED) {
    const own = scope[field]
    if (own === null) continue
    const named: unknown = Object.hasOwn(asked, field) ? Reflect.get(asked, field) : undefined
    if (named !== undefined && named !== own) throw notYours(field, own)
    settled[field] = own
  }
  return { ...asked, ...settled }
}

/** Whether the key may see what was asked for by this user of this tenant. */
export const covers = (
  scope: Scope,
  owner: { readonly tenant: string | null; readonly user: string | null },
): boolean => owner.tenant === scope.tenant && (scope.user === null || owner.user === scope.user)

/**
 * Sees to it that no model outside the key's list can answer: also none that the budget may make the request step down
 * to, as the policy stands.
 * @param asked - narrowed.
 * @throws {BursarError} ACCESS_DENIED; INVALID_REQUEST and UNKNOWN_TIER, as intake does.
 */
export function assertModels(scope: Scope, asked: object, policy: Policy): void {
  const { models } = scope
  const { model, pinned, user }: { model?: unknown; pinned?: unknown; user?: unknown } = asked
  // What is missing, or no name, is refused where every request is read.
  if (models === null || typeof model !== 'string' || user === undefined) return
  if (model !== 'auto' && !models.includes(model)) throw notServed(model, models)
  const who = Object.fromEntries(SETTLED.map((field) => [field, Reflect.get(asked, field)]))
  const tier = policy.tiers[readIdentity(who, policy).tier]
  if (!tier) return
  const rungs = rungsFor(policy, tier, { model, pinned: pinned === true })
  const outside = rungs.map((rung) => rung.model).filter((name) => !models.includes(name))
  if (outside.length > 0) throw mayStepDown(model, tier.name, outside, models)
}

const notYours = (field: (typeof SETTLED)[number], own: string) =>
  denied(
    field,
    `this API key is for ${field} '${own}' alone: leave ${field} out, or use a key of theirs`,
    {
      allowed: [own],
    },
  )

const notServed = (model: string, models: readonly string[]) =>
  denied('model', `this API key may not use model '${model}': name one of ${models.join(', ')}`, {
    allowed: models,
  })

const mayStepDown = (
  model: string,
  tier: string,
  outside: readonly string[],
  models: readonly string[],
) =>
  denied(
    'model',
    `'${model}' may be answered by ${outside.join(', ')} in tier '${tier}', which this API key may not use: name one of ${models.join(', ')} with pinned: true, or have those added to the key`,
    { allowed: models, outside },
  )
