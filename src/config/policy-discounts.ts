import { DEFAULT_PROVIDER, modelTarget } from './model-target.ts'
import type { Names } from './policy-checks.ts'
import type { Draft } from './policy-draft.ts'
import { type Report, suggest } from './policy-errors.ts'
import type { Policy } from './policy-types.ts'
import type { DiscountPolicy } from './price-types.ts'

type DiscountDraft = Exclude<Draft['discounts'][number], undefined>

/** Normalises what contracts take off; what does not fit together is reported. */
export function discountsOf(
  draft: Draft,
  dropped: ReadonlyMap<string, string>,
  names: Names,
  report: Report,
): Pick<Policy, 'discounts'> {
  const discounts = draft.discounts.flatMap((entry, i) => {
    const built = entry && buildDiscount(entry, names)
    if (!built) return []
    const { provider, fromMs, untilMs } = built
    if (!names.providers.includes(provider)) {
      const mend = suggest(provider, names.providers, 'providers')
      report(['discounts', i, 'provider'], `there is no provider "${provider}"; ${mend}`)
    }
    if (untilMs !== null && untilMs <= fromMs) {
      report(['discounts', i, 'until'], 'is not after from; write a later date')
    }
    return dropped.has(provider) ? [] : [built]
  })
  // Left out when there is none, so that a policy of an older version has the same content.
  return discounts.length === 0 ? {} : { discounts }
}

function buildDiscount(draft: DiscountDraft, names: Names): DiscountPolicy {
  const isProvider = (name: string): boolean => names.providers.includes(name)
  const target = draft.model && modelTarget(draft.model, draft.provider ?? '', isProvider)
  return {
    provider: target ? target.provider : (draft.provider ?? DEFAULT_PROVIDER),
    model: target ? target.upstreamModel : null,
    percent: draft.percent,
    fromMs: draft.from ?? 0,
    untilMs: draft.until ?? null,
  }
}
