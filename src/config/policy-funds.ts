import type { Draft } from './policy-draft.ts'
import type { PolicyPath } from './policy-errors.ts'
import type { FundPolicy, WindowPolicy } from './policy-types.ts'

type BudgetDraft = Exclude<Draft['budgets'][number], undefined>
/** What a budget and a tier's budget say of money. */
export type FundDraft = Omit<BudgetDraft, 'id' | 'scope'>
type WindowDraft = Exclude<FundDraft['windows'], undefined>[number]

/** Told what is wrong, and where below the budget. */
type Refuse = (path: PolicyPath, message: string) => undefined

/**
 * Normalises what may be spent and when. `timezone` holds where it names none.
 * @returns undefined when its keys do not go together; that is told to `refuse`.
 */
export function buildFund(
  draft: FundDraft,
  timezone: string,
  refuse: Refuse,
): FundPolicy | undefined {
  const written = windowsIn(draft, refuse)
  if (!written || !areDistinct(written, refuse)) return undefined
  const windows = written.flatMap(({ path, window }) => buildWindow(window, path, refuse) ?? [])
  if (windows.length < written.length) return undefined
  return {
    windows,
    timezone: draft.timezone ?? timezone,
    alertAt: draft.alert_at,
    ...(draft.mode === 'warn' && { mode: draft.mode }),
  }
}

interface Written {
  readonly path: PolicyPath
  readonly window: WindowDraft
}

function windowsIn(
  { usd, per, starts_on, windows }: FundDraft,
  refuse: Refuse,
): readonly Written[] | undefined {
  const short = usd !== undefined || per !== undefined || starts_on !== undefined
  if (windows) {
    return short
      ? refuse([], 'is said twice; write usd and per, or windows alone')
      : windows.map((window, i) => ({ path: ['windows', i], window }))
  }
  if (!short) {
    return refuse([], 'says no amount; write usd and per, or windows: [{ usd: "5", per: day }]')
  }
  if (usd === undefined) return refuse(['usd'], 'is missing; write USD in quotes, e.g. "12.50"')
  if (per === undefined) return refuse(['per'], 'is missing; write per: month, or another period')
  return [{ path: [], window: { usd, per, starts_on } }]
}

function areDistinct(written: readonly Written[], refuse: Refuse): boolean {
  const seen = new Set<string>()
  for (const { path, window } of written) {
    if (seen.has(window.per)) {
      refuse([...path, 'per'], `${window.per} is there already; give each window another period`)
      return false
    }
    seen.add(window.per)
  }
  return true
}

function buildWindow(
  { usd: limitNano, per, starts_on }: WindowDraft,
  path: PolicyPath,
  refuse: Refuse,
): WindowPolicy | undefined {
  const wrong = (message: string) => refuse([...path, 'starts_on'], message)
  if (starts_on === undefined) return { per, limitNano }
  if (per === 'month') {
    if (typeof starts_on !== 'number') {
      return wrong(`${starts_on} is no day of a month; write 2 to 31`)
    }
    return starts_on === 1 ? { per, limitNano } : { per, startsOn: starts_on, limitNano }
  }
  if (per === 'year') {
    if (typeof starts_on !== 'string' || !isDate(starts_on)) {
      return wrong(`${starts_on} is no day of a year; write month and day, e.g. 04-01`)
    }
    return starts_on === '01-01' ? { per, limitNano } : { per, startsOn: starts_on, limitNano }
  }
  return wrong('goes with per: month or year; leave it out')
}

/** `MM-DD`, of a leap year. */
function isDate(text: string): boolean {
  const date = new Date(`2024-${text}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().slice(5, 10) === text
}
