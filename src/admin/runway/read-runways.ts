import type { WindowState } from '../../admission/commands.ts'
import { openWindows } from '../../admission/plan/find-windows.ts'
import { subjectKey } from '../../admission/plan/subjects.ts'
import type { WindowLine } from '../../admission/plan-lines.ts'
import type { Policy } from '../../config/policy-types.ts'
import { spendByTenant, type TenantSpend } from '../../ledger/queries/spend-by-tenant.ts'
import { addNano } from '../../money/nano.ts'
import { policyInForce } from '../budget/policy-in-force.ts'
import type { AdminPlace } from '../command.ts'
import { PAGE_WINDOWS } from '../place/read-slot.ts'
import { byRunway, type Runway, runwayOf, type Spend } from './runway.ts'

/** How far back is looked for what tenants spend. */
const LOOK_BACK_MS = 6 * 3_600_000
/** One call of a second ago is no rate. */
const LEAST_MS = 3_600_000
/** Tenants whose runway is told, those that spend the most. */
export const MOST_TENANTS = 100

/**
 * How long the money of tenants lasts: what the ledger says they spent in the last six hours, by the time since the
 * first of it and an hour at least, against the budgets that govern everything that they do. A budget for all is drained
 * by all.
 * @param tenants - these alone; null = those that spend the most.
 * @returns who runs out first, first.
 * @throws {BursarError} POLICY_MISSING, LEDGER_UNAVAILABLE, STORE_UNAVAILABLE, INVALID_OPTIONS.
 */
export async function readRunways(
  place: AdminPlace,
  tenants: readonly string[] | null,
): Promise<Runway[]> {
  const slot = await place.slot()
  const nowMs = await slot.now()
  const policy = await policyInForce(place)
  const spent = await spendByTenant(await place.ledger(), nowMs - LOOK_BACK_MS)
  const byTenant = new Map(spent.map((one) => [one.tenant, one]))
  const all = spendOf(spent, nowMs)
  const names = tenants ?? spent.slice(0, MOST_TENANTS).map(({ tenant }) => tenant)
  const governed = names.map((tenant) => ({ tenant, lines: linesOf(policy, tenant, nowMs) }))
  const states = await peekAll(
    slot,
    governed.flatMap(({ lines }) => lines.map(({ line }) => line.key)),
  )
  const runways = governed.map(({ tenant, lines }) => {
    const known = byTenant.get(tenant)
    const own = spendOf(known ? [known] : [], nowMs)
    const windows = lines.map(({ line, shared }) => ({
      line,
      state: states.get(line.key) ?? null,
      spend: shared ? all : own,
    }))
    return runwayOf(tenant, own, windows, nowMs)
  })
  return runways.toSorted(byRunway)
}

function spendOf(spent: readonly TenantSpend[], nowMs: number): Spend {
  const firstMs = Math.min(nowMs, ...spent.map(({ firstAtMs }) => firstAtMs))
  const costNano = addNano(...spent.map((one) => one.costNano))
  return { costNano, forMs: Math.max(nowMs - firstMs, LEAST_MS) }
}

interface Governing {
  readonly line: WindowLine
  /** Whether other tenants spend from it, too. */
  readonly shared: boolean
}

/** Windows that every request of a tenant must fit in. */
function linesOf(policy: Policy, tenant: string, nowMs: number): Governing[] {
  const who = { tenant, user: '', tier: '', tags: {} }
  return policy.budgets.flatMap(({ id, scope, mode }) => {
    const governs = scope.kind === 'global' || scope.kind === 'tenant'
    const name = governs && mode !== 'warn' ? subjectKey(id, scope, who) : null
    if (name === null) return []
    const shared = scope.kind === 'global'
    return openWindows(policy, name, nowMs).map((line) => ({ line, shared }))
  })
}

async function peekAll(
  slot: Pick<Awaited<ReturnType<AdminPlace['slot']>>, 'peek'>,
  keys: readonly string[],
): Promise<Map<string, WindowState>> {
  const states = new Map<string, WindowState>()
  const wanted = [...new Set(keys)]
  for (let at = 0; at < wanted.length; at += PAGE_WINDOWS) {
    for (const state of await slot.peek(wanted.slice(at, at + PAGE_WINDOWS))) {
      if (state) states.set(state.key, state)
    }
  }
  return states
}
