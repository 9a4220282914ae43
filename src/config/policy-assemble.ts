import { own } from './own.ts'
import { buildAlerts } from './policy-alerts-build.ts'
import { buildBudget, buildLimit, buildPrice, buildRung, buildTier } from './policy-build.ts'
import { buildCache } from './policy-cache.ts'
import { checkOverrides, checkRungs, type Names } from './policy-checks.ts'
import { discountsOf } from './policy-discounts.ts'
import type { PolicyDocument } from './policy-document.ts'
import type { Draft } from './policy-draft.ts'
import type { PolicyPath, Report } from './policy-errors.ts'
import { exportsOf } from './policy-exports.ts'
import { buildFund, type FundDraft } from './policy-funds.ts'
import { at } from './policy-issues.ts'
import { checkUntil, type PlacedRung } from './policy-ladders.ts'
import { buildLedger } from './policy-ledger.ts'
import { buildProviders } from './policy-providers.ts'
import type { FundPolicy, Policy, TierPolicy } from './policy-types.ts'
import { warmingBudget } from './policy-warming.ts'
import type { PriceOverride } from './price-types.ts'

/** A policy, and where its rungs stand in the file. */
export interface Built {
  readonly policy: Policy
  readonly ladders: ReadonlyMap<string, readonly PlacedRung[]>
}

/** Puts the policy together from the sound entries of the file; what does not fit together is reported. */
export function build(
  document: PolicyDocument,
  draft: Draft,
  dropped: ReadonlyMap<string, string>,
  names: Names,
  report: Report,
): Built {
  const { providers, warnings } = buildProviders(document, draft, dropped)
  const told = draft.alerts && buildAlerts(document, draft.alerts, report)
  const ladders = placeRungs(draft, dropped, names, report)
  const { defaults, identity, timezone, unknown_models: unknown } = draft
  const policy: Policy = {
    version: 0,
    timezone,
    identity: {
      defaultTenant: identity.default_tenant,
      defaultTier: identity.default_tier ?? names.tiers[0] ?? '',
      users: own(identity.users),
    },
    defaults: {
      maxOutputTokens: defaults.max_output_tokens,
      minOutputTokens: defaults.min_output_tokens,
      execute: defaults.execute,
      outage: defaults.outage,
      outageAllowanceNano: defaults.outage_allowance_usd,
      outageLimits: defaults.outage_limits,
      durability: defaults.durability,
      attempts: defaults.attempts,
      maxBodyBytes: defaults.max_body_bytes,
    },
    tiers: own(buildTiers(draft, report)),
    budgets: draft.budgets
      .flatMap((entry, i) => {
        const fund = entry && fundAt(['budgets', i], entry, timezone, report)
        return fund ? [buildBudget(entry, fund)] : []
      })
      .concat(draft.cache.warming ? [warmingBudget(draft.cache.warming, timezone)] : []),
    limits: draft.limits.flatMap((entry, i) => {
      const built = entry && buildLimit(entry, (message) => report(['limits', i], message))
      return built ? [built] : []
    }),
    bypass: draft.bypass,
    ladders: own(
      Object.fromEntries([...ladders].map(([name, rungs]) => [name, rungs.map((r) => r.rung)])),
    ),
    providers,
    prices: placePrices(draft, dropped, names, report),
    multipliers: draft.multipliers,
    ...discountsOf(draft, dropped, names, report),
    unknownModels:
      unknown === 'refuse'
        ? unknown
        : { inputUsdPerMtok: unknown.input, outputUsdPerMtok: unknown.output },
    cache: buildCache(draft.cache),
    ...(draft.ledger ? { ledger: buildLedger(draft.ledger) } : {}),
    ...exportsOf(draft, report),
    ...(told ? { alerts: told.alerts } : {}),
    warnings: [...warnings, ...(told?.warnings ?? [])],
  }
  return { policy, ladders }
}

function buildTiers({ tiers, timezone }: Draft, report: Report): Record<string, TierPolicy> {
  return Object.fromEntries(
    Object.entries(tiers).flatMap(([name, tier]) => {
      if (!tier) return []
      const { budget } = tier
      const fund = budget && fundAt(['tiers', name, 'budget'], budget, timezone, report)
      return [[name, buildTier(name, tier, fund ?? null)]]
    }),
  )
}

const fundAt = (
  path: PolicyPath,
  draft: FundDraft,
  timezone: string,
  report: Report,
): FundPolicy | undefined =>
  buildFund(draft, timezone, (below, message) => void report([...path, ...below], message))

function placeRungs(
  draft: Draft,
  dropped: ReadonlyMap<string, string>,
  names: Names,
  report: Report,
): Map<string, readonly PlacedRung[]> {
  const isProvider = (name: string): boolean => names.providers.includes(name)
  const placed = new Map<string, readonly PlacedRung[]>()
  for (const [name, entries] of Object.entries(draft.ladders)) {
    const all = (entries ?? []).flatMap((entry, i) =>
      entry ? [{ rung: buildRung(entry, isProvider), path: ['ladders', name, i] }] : [],
    )
    checkRungs(all, draft, names, report)
    const kept = all.filter(({ rung }) => !dropped.has(rung.provider))
    checkUntil(kept, report)
    if (all.length > 0 && kept.length === 0) {
      report(
        ['ladders', name],
        `has no rung left: set ${[...dropped.values()].join(', ')}, or add a rung`,
      )
    }
    placed.set(name, kept)
  }
  return placed
}

function placePrices(
  draft: Draft,
  dropped: ReadonlyMap<string, string>,
  names: Names,
  report: Report,
): readonly PriceOverride[] {
  const isProvider = (name: string): boolean => names.providers.includes(name)
  const placed = draft.prices.flatMap((entry, i) =>
    entry ? [{ override: buildPrice(entry, isProvider), path: ['prices', i] }] : [],
  )
  checkOverrides(placed, names, report)
  return placed.map(({ override }) => override).filter(({ provider }) => !dropped.has(provider))
}

/** Names as the file has them, those of wrong entries and of absent providers too. */
export function namesOf(document: PolicyDocument): Names {
  const keys = (section: string): readonly string[] => {
    const entries = at(document.value, [section])
    return typeof entries === 'object' && entries !== null ? Object.keys(entries) : []
  }
  return { tiers: keys('tiers'), ladders: keys('ladders'), providers: keys('providers') }
}
