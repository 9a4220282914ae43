import { DEFAULT_PROVIDER } from './model-target.ts'
import type { Draft } from './policy-draft.ts'
import { type PolicyPath, type Report, suggest } from './policy-errors.ts'
import { at } from './policy-issues.ts'
import type { PlacedRung } from './policy-ladders.ts'
import type { Scope } from './policy-types.ts'
import type { PriceOverride } from './price-types.ts'

/** Names that other entries may use; those of wrong entries too, so that one mistake is told once. */
export interface Names {
  readonly tiers: readonly string[]
  readonly ladders: readonly string[]
  readonly providers: readonly string[]
}

/**
 * Every name that is used exists; every id is there once.
 * @param value - the file, so that an entry with another mistake is judged too.
 */
export function checkNames(value: unknown, draft: Draft, names: Names, report: Report): void {
  const tier = (path: PolicyPath, name: string): void =>
    checkName('tier', name, names.tiers, path, report)
  const { default_tier, users } = draft.identity
  if (default_tier !== undefined) tier(['identity', 'default_tier'], default_tier)
  for (const [user, name] of Object.entries(users)) tier(['identity', 'users', user], name)
  for (const name of names.tiers) {
    const path = ['tiers', name, 'ladder']
    const ladder = at(value, path)
    if (typeof ladder === 'string') checkName('ladder', ladder, names.ladders, path, report)
  }
  for (const section of ['budgets', 'limits'] as const) {
    checkIds(section, value, report)
    for (const [i, entry] of draft[section].entries()) {
      const named = entry && namedIn(entry.scope, 'tier')
      if (named !== undefined) tier([section, i, 'scope', 'tier'], named)
      const provider = entry && namedIn(entry.scope, 'provider')
      const path = [section, i, 'scope', 'provider']
      if (provider !== undefined) checkName('provider', provider, names.providers, path, report)
    }
  }
}

/** `min_output_tokens` must leave something to answer with. */
export function checkDefaults(draft: Draft, report: Report): void {
  const { min_output_tokens: least, max_output_tokens: most } = draft.defaults
  if (least > most) {
    report(
      ['defaults', 'min_output_tokens'],
      `${least} is above max_output_tokens (${most}), so no rung would ever serve; write ${most} or less`,
    )
  }
  if (Object.keys(draft.tiers).length === 0) {
    report(['tiers'], 'names no tier; write one, e.g. basic: { ladder: standard }')
  }
}

/** A rung has a provider, and may answer at length. */
export function checkRungs(
  rungs: readonly PlacedRung[],
  draft: Draft,
  names: Names,
  report: Report,
): void {
  for (const { rung, path } of rungs) {
    checkProvider(rung.provider, rung.model, names, path, report)
    const cap = rung.maxOutputTokens
    const least = draft.defaults.min_output_tokens
    if (cap !== null && cap < least) {
      report(
        [...path, 'max_output_tokens'],
        `${cap} is below min_output_tokens (${least}), so this rung would never serve; write ${least} or more`,
      )
    }
  }
}

/** A price is given once for a model, provider and date. */
export function checkOverrides(
  placed: readonly { readonly override: PriceOverride; readonly path: PolicyPath }[],
  names: Names,
  report: Report,
): void {
  const seen = new Set<string>()
  for (const { override, path } of placed) {
    const { provider, model, effectiveFromMs } = override
    checkProvider(provider, model, names, path, report)
    const key = JSON.stringify([provider, model, effectiveFromMs])
    if (seen.has(key)) {
      report(
        path,
        `gives ${model} a second price from the same date; remove one or date it with from:`,
      )
    }
    seen.add(key)
  }
}

function checkProvider(
  provider: string,
  model: string,
  names: Names,
  path: PolicyPath,
  report: Report,
): void {
  if (names.providers.includes(provider)) return
  const prefix = model.split('/')[0] ?? ''
  if (provider === DEFAULT_PROVIDER) {
    const guess = model.includes('/') ? suggest(prefix, names.providers, 'providers') : ''
    report(
      [...path, 'model'],
      `${model} names no provider and there is none called ${DEFAULT_PROVIDER}; ${guess || 'write provider: beside it'}`,
    )
  } else {
    report(
      [...path, 'provider'],
      `there is no provider "${provider}"; ${suggest(provider, names.providers, 'providers')}`,
    )
  }
}

function checkName(
  thing: string,
  name: string,
  known: readonly string[],
  path: PolicyPath,
  report: Report,
): void {
  if (known.includes(name)) return
  report(path, `there is no ${thing} "${name}"; ${suggest(name, known, `${thing}s`)}`)
}

function checkIds(section: 'budgets' | 'limits', value: unknown, report: Report): void {
  const entries = at(value, [section])
  const seen = new Set<unknown>()
  for (const i of Array.isArray(entries) ? entries.keys() : []) {
    const id = at(entries, [i, 'id'])
    if (seen.has(id)) {
      report(
        [section, i, 'id'],
        `"${String(id)}" is there already; give each of the ${section} an id of its own`,
      )
    }
    if (id !== undefined) seen.add(id)
  }
}

const namedIn = (scope: Scope, kind: 'tier' | 'provider'): string | undefined =>
  scope.kind === kind && scope.of !== 'each' ? scope.of.value : undefined
