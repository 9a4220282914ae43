import type { WindowState } from '../../admission/commands.ts'
import { splitWindowKey } from '../../admission/outbox.ts'
import type { AdmissionStore } from '../../admission/store.ts'
import { windowAt } from '../../admission/windows.ts'
import type { ReportPolicy } from '../../config/alert-types.ts'
import type { Policy } from '../../config/policy-types.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { curve } from '../../ledger/questions/curve.ts'
import type { Filters } from '../../ledger/questions/dimensions.ts'
import type { Range } from '../../ledger/questions/pieces.ts'
import { spend } from '../../ledger/questions/spend.ts'
import { windowForecast } from '../../ledger/questions/window-forecast.ts'
import type { BudgetLine, ReportFacts, ReportRow } from '../notice.ts'

/** What a report looks at. */
export interface ReportPlace {
  readonly ledger: Ledger
  readonly policy: Policy
  readonly slot: Pick<AdmissionStore, 'peek' | 'windows'>
  readonly nowMs: number
}

/** The last week or month that is over, in a timezone. */
export function lastPeriod(every: ReportPolicy['every'], timezone: string, nowMs: number): Range {
  const per = every === 'weekly' ? 'week' : 'month'
  const { startMs: toMs } = windowAt({ per }, timezone, nowMs)
  const { startMs: fromMs } = windowAt({ per }, timezone, toMs - 1)
  return { fromMs, toMs }
}

const MOST_ROWS = 50

/**
 * What a period cost, from the cubes: as long ago as they go, and in a moment.
 * @throws {BursarError} LEDGER_UNAVAILABLE, STORE_UNAVAILABLE.
 */
export async function gatherReport(
  place: ReportPlace,
  { every, tag, tenant }: Pick<ReportPolicy, 'every' | 'tag' | 'tenant'>,
): Promise<ReportFacts> {
  const { ledger, policy, nowMs } = place
  const range = lastPeriod(every, policy.timezone, nowMs)
  const where: Filters = tenant === null ? {} : { tenant: [tenant] }
  const asked = { range, before: lastPeriod(every, policy.timezone, range.fromMs), where }
  const [total, byModel, byTenant, byTag, days, budgets] = await Promise.all([
    totalOf(ledger, asked),
    rowsOf(ledger, { ...asked, by: 'model' }),
    rowsOf(ledger, { ...asked, by: 'tenant' }),
    rowsOf(ledger, { ...asked, by: `tag:${tag}` }),
    daysOf(ledger, asked, policy.timezone),
    budgetsOf(place, tenant),
  ])
  return {
    ...{ every, ...range, ...total, budgets, days },
    byModel,
    // One tenant needs no list of tenants.
    byTenant: tenant === null ? byTenant : [],
    byTag: byTag.length > 0 ? { tag, rows: byTag } : null,
  }
}

interface Asked {
  readonly range: Range
  readonly before: Range
  readonly where: Filters
}

const SAVED = {
  savedCachedNano: 'cached answers',
  savedJoinedNano: 'joined answers',
  savedEmbeddingsNano: 'kept embeddings',
} as const

async function totalOf(
  ledger: Ledger,
  asked: Asked,
): Promise<Pick<ReportFacts, 'costNano' | 'beforeNano' | 'requests' | 'saved'>> {
  const measures = ['costNano', 'requests', 'savedCachedNano', 'savedJoinedNano'] as const
  const { total } = await spend(ledger, {
    ...{ ...asked, by: [], measures: [...measures, 'savedEmbeddingsNano'] },
    ...{ rankBy: 'costNano', top: 1 },
  })
  const { now, before } = total
  const hadAny = before !== null && before.requests + before.costNano > 0
  return {
    ...{ costNano: now.costNano, requests: now.requests },
    beforeNano: hadAny ? before.costNano : null,
    saved: [
      { how: SAVED.savedCachedNano, nano: now.savedCachedNano },
      { how: SAVED.savedJoinedNano, nano: now.savedJoinedNano },
      { how: SAVED.savedEmbeddingsNano, nano: now.savedEmbeddingsNano },
    ],
  }
}

async function rowsOf(
  ledger: Ledger,
  { by, ...asked }: Asked & { readonly by: string },
): Promise<ReportRow[]> {
  const { rows } = await spend(ledger, {
    ...{ ...asked, by: [by], measures: ['costNano', 'requests'] },
    ...{ rankBy: 'costNano', top: MOST_ROWS },
  })
  return rows.map(({ group, now, before }) => ({
    ...{ name: group[0] ?? '', costNano: now.costNano, requests: now.requests },
    beforeNano: before?.costNano ?? 0,
  }))
}

async function daysOf(
  ledger: Ledger,
  { range, where }: Asked,
  timezone: string,
): Promise<ReportFacts['days']> {
  const { buckets, total } = await curve(ledger, {
    ...{ range, grain: 'day', timezone, where, by: [], measure: 'costNano', top: 1 },
  })
  return buckets.map(({ fromMs }, at) => ({ atMs: fromMs, costNano: total[at] ?? 0 }))
}

const MOST_BUDGETS = 20
const PAGE_WINDOWS = 500
const DAY_MS = 86_400_000

/** Windows that are open now and last a day or more, fullest first. */
async function budgetsOf(place: ReportPlace, tenant: string | null): Promise<BudgetLine[]> {
  const { ledger, policy, nowMs } = place
  const fullest = (await openNow(place, tenant)).slice(0, MOST_BUDGETS)
  const lines = fullest.map(async (state): Promise<BudgetLine> => {
    const { spentNano, limitNano, key } = state
    const told = await windowForecast(ledger, policy, state, nowMs)
    const { expectedNano, lowNano, highNano, runsDryAtMs } = told
    return {
      ...{ ...splitWindowKey(key), spentNano, limitNano },
      percent: Math.floor(shareOf(state) * 100),
      outlook:
        told.basis === 'none'
          ? null
          : {
              expectedNano: Math.round(expectedNano),
              ...{ lowNano: Math.round(lowNano), highNano: Math.round(highNano), runsDryAtMs },
            },
    }
  })
  return Promise.all(lines)
}

async function openNow(
  { slot, nowMs }: ReportPlace,
  tenant: string | null,
): Promise<WindowState[]> {
  const keys = (await slot.windows()).filter((key) => concerns(key, tenant))
  const states: WindowState[] = []
  for (let at = 0; at < keys.length; at += PAGE_WINDOWS) {
    for (const state of await slot.peek(keys.slice(at, at + PAGE_WINDOWS))) {
      if (state && isWorthALine(state, nowMs)) states.push(state)
    }
  }
  return states.toSorted((a, b) => shareOf(b) - shareOf(a))
}

/** A budget of a tenant has its name as a part of its own. */
const concerns = (key: string, tenant: string | null): boolean =>
  tenant === null ||
  splitWindowKey(key).budget.split('/').includes(encodeURIComponent(tenant)) ||
  splitWindowKey(key).budget === tenant

const isWorthALine = ({ startMs, endMs, limitNano }: WindowState, nowMs: number): boolean =>
  startMs <= nowMs && nowMs < endMs && endMs - startMs >= DAY_MS / 2 && limitNano > 0

const shareOf = ({ spentNano, limitNano }: WindowState): number => spentNano / limitNano
