import type { WindowState } from '../admission/commands.ts'
import { splitWindowKey } from '../admission/outbox.ts'
import { FOREVER_MS } from '../admission/plan-lines.ts'
import { windowAt } from '../admission/windows.ts'
import type { FundPolicy, Policy, Scope } from '../config/policy-types.ts'
import { listCredits } from '../ledger/credits.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { budgetFilters } from '../ledger/questions/budget-filters.ts'
import { curve } from '../ledger/questions/curve.ts'
import type { Filters } from '../ledger/questions/dimensions.ts'
import { spend } from '../ledger/questions/spend.ts'
import { windowForecast } from '../ledger/questions/window-forecast.ts'
import { addNano } from '../money/nano.ts'
import type { ParkTally } from '../queue/park-tally.ts'
import type { BudgetFacts, CurvePoint, Driver, Effect, Grant, Outlook } from './notice.ts'
import type { AlertPlace } from './place.ts'
import { raisersFor } from './raisers.ts'

const DAY_MS = 86_400_000
const MOST_DRIVERS = 5
const MOST_GRANTS = 5

/** What the policy says of the money of a budget, by its name in lists: `company`, `tier.basic/acme/u42`. */
export function fundOf(policy: Policy, budget: string): (FundPolicy & { scope?: Scope }) | null {
  const [id = ''] = budget.split('/')
  const known = policy.budgets.find((one) => one.id === id)
  if (known) return known
  return Object.values(policy.tiers).find(({ name }) => id === `tier.${name}`)?.budget ?? null
}

/** Whose it is; null = nobody's in particular. */
export function tenantOf(policy: Policy, budget: string): string | null {
  const named = budgetFilters(policy, budget)?.tenant
  return named?.[0] ?? null
}

/**
 * A budget window as a message tells of it. What the ledger cannot say is left out: a message is better than none.
 * @throws {BursarError} LEDGER_UNAVAILABLE, and what `parked` throws.
 */
export async function budgetFacts(
  { ledger, policy, nowMs, parked }: Omit<AlertPlace, 'slot'>,
  state: WindowState,
): Promise<BudgetFacts> {
  const { budget } = splitWindowKey(state.key)
  const where = budgetFilters(policy, budget)
  const range = { fromMs: state.startMs, toMs: nowMs }
  const [outlook, drivers, points, grants, raisers, tally] = await Promise.all([
    outlookOf(ledger, policy, state, nowMs),
    where ? driversOf(ledger, where, range) : [],
    where ? curveOf(ledger, where, { ...range, spentNano: state.spentNano }) : [],
    grantsOf(ledger, state, nowMs),
    raisersFor({ ledger, policy, nowMs }, { budget, tenant: tenantOf(policy, budget) }),
    parked?.().catch(() => null) ?? null,
  ])
  return {
    ...bareFacts(policy, state, nowMs),
    ...{ outlook, drivers, grants, raisers, parked: tally && waitingFor(tally, state.key) },
    ...(points.length > 1 ? { curve: points } : {}),
  }
}

function waitingFor({ windows }: ParkTally, key: string): BudgetFacts['parked'] {
  const jobs = windows.get(key) ?? []
  return { jobs: jobs.length, holdNano: jobs.reduce((sum, job) => addNano(sum, job.holdNano), 0) }
}

/** What is known without the ledger. Pure. */
export function bareFacts(policy: Policy, state: WindowState, nowMs: number): BudgetFacts {
  const { key, startMs, endMs, spentNano, heldNano, limitNano } = state
  const { budget, window } = splitWindowKey(key)
  const fund = fundOf(policy, budget)
  const timezone = fund?.timezone ?? policy.timezone
  const cut = fund?.windows.find((one) => windowAt(one, timezone, startMs).id === window)
  const isEndless = endMs >= FOREVER_MS
  return {
    ...{ budget, window, per: cut?.per ?? 'lifetime', startMs, timezone },
    endMs: isEndless ? null : endMs,
    ...{ spentNano, heldNano, limitNano, percent: percentOf(spentNano, limitNano) },
    timePercent: isEndless ? null : shareOf(nowMs, startMs, endMs),
    ...{ outlook: null, drivers: [], parked: null, raisers: [] },
    effect: effectOf(policy, state),
  }
}

/** A limit of nothing is passed by anything. */
const percentOf = (spentNano: number, limitNano: number): number =>
  limitNano > 0 ? Math.floor((spentNano / limitNano) * 100) : spentNano > 0 ? 100 : 0

const shareOf = (nowMs: number, startMs: number, endMs: number): number =>
  Math.min(100, Math.max(0, Math.round(((nowMs - startMs) / (endMs - startMs)) * 100)))

function effectOf(
  policy: Policy,
  { spentNano, heldNano, limitNano, warnOnly }: WindowState,
): Effect {
  if (warnOnly) return 'warns-only'
  const used = spentNano + heldNano
  if (used >= limitNano) return 'refuses'
  const untils = Object.values(policy.ladders).flatMap((rungs) => rungs.map(({ until }) => until))
  const isOver = (until: number | null) => until !== null && used * 100 > until * limitNano
  return untils.some(isOver) ? 'steps-down' : 'serves'
}

async function outlookOf(
  ledger: Ledger,
  policy: Policy,
  state: WindowState,
  nowMs: number,
): Promise<Outlook | null> {
  const told = await windowForecast(ledger, policy, state, nowMs)
  if (told.basis === 'none') return null
  const { expectedNano, lowNano, highNano, runsDryAtMs } = told
  return {
    expectedNano: Math.round(expectedNano),
    ...{ lowNano: Math.round(lowNano), highNano: Math.round(highNano), runsDryAtMs },
  }
}

interface Range {
  readonly fromMs: number
  readonly toMs: number
}

/** By whom, and by what where all of it is one's. */
async function driversOf(ledger: Ledger, where: Filters, range: Range): Promise<Driver[]> {
  const kinds = kindsFor(where)
  for (const kind of kinds) {
    const question = { range, by: [kind], where, rankBy: 'costNano', top: MOST_DRIVERS } as const
    const { rows } = await spend(ledger, { ...question, measures: ['costNano'] })
    const found = rows.map(({ group, now }) => ({
      ...{ kind, name: group[0] ?? '', costNano: now.costNano },
    }))
    const named = found.filter(({ name, costNano }) => name !== '' && costNano > 0)
    if (named.length > 1 || kind === kinds.at(-1)) return named
  }
  return []
}

/** What the cubes keep apart beside these filters. */
function kindsFor(where: Filters): readonly Driver['kind'][] {
  const isOfTag = Object.keys(where).some((name) => name.startsWith('tag:'))
  if (isOfTag) return ['tenant', 'model']
  if ('user' in where) return ['model']
  return 'tenant' in where ? ['user', 'model'] : ['tenant', 'model']
}

const HOURS_UP_TO_MS = 3 * DAY_MS
/** Enough for a chart. */
const MOST_POINTS = 200

async function curveOf(
  ledger: Ledger,
  where: Filters,
  { fromMs, toMs, spentNano }: Range & { readonly spentNano: number },
): Promise<CurvePoint[]> {
  const lengthMs = toMs - fromMs
  if (lengthMs > MOST_POINTS * DAY_MS || lengthMs <= 0) return []
  const isOfHours = Object.keys(where).every((name) => ['tenant', 'tier', 'model'].includes(name))
  const grain = lengthMs <= HOURS_UP_TO_MS && isOfHours ? 'hour' : 'day'
  const asked = { range: { fromMs, toMs }, grain, timezone: 'UTC', where } as const
  const { buckets, total } = await curve(ledger, {
    ...{ ...asked, by: [], measure: 'costNano', top: 1 },
  })
  let sum = 0
  const points = buckets.map((bucket, at) => {
    sum += total[at] ?? 0
    return { atMs: Math.min(bucket.toMs, toMs), spentNano: Math.min(sum, spentNano) }
  })
  const past = points.filter(({ atMs }) => atMs < toMs)
  return [{ atMs: fromMs, spentNano: 0 }, ...past, { atMs: toMs, spentNano }]
}

async function grantsOf(ledger: Ledger, { key }: WindowState, nowMs: number): Promise<Grant[]> {
  const { budget, window } = splitWindowKey(key)
  const known = await listCredits(ledger, budget, 100)
  return known
    .filter((one) => one.budget === budget && one.window === window && one.revokedAtMs === null)
    .filter(({ untilMs }) => untilMs === null || untilMs > nowMs)
    .slice(0, MOST_GRANTS)
    .map(({ amountNano, grantedBy: by, reason, grantedAtMs: atMs, untilMs }) => ({
      ...{ amountNano, by, reason, atMs, untilMs },
    }))
}
