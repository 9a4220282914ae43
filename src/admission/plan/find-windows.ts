import type { FundPolicy, Policy, WindowPolicy } from '../../config/policy-types.ts'
import { BursarError } from '../../errors.ts'
import { entryOf } from '../own-entry.ts'
import type { WindowLine } from '../plan-lines.ts'
import { type CalendarWindow, windowAt } from '../windows.ts'

/** How many windows from now on a name is looked for: a year of days. */
const MOST_AHEAD = 400

interface Fund extends FundPolicy {
  /** `company`, or the part before the subject: `tenants`, `tier.basic`. */
  readonly id: string
  /** How many parts a subject has; 0 = there is one state for all. */
  readonly parts: number
}

/**
 * The windows of a budget that are open at an instant, as admission would ask for them.
 * @param budget - as lists show it: `company`, `tenants/acme`, `tier.basic/acme/u42`.
 * @throws {BursarError} UNKNOWN_BUDGET naming those there are.
 */
export function openWindows(policy: Policy, budget: string, nowMs: number): WindowLine[] {
  const fund = fundOf(policy, budget)
  return fund.windows.map((cut) => lineOf(budget, fund, cut, windowAt(cut, fund.timezone, nowMs)))
}

/**
 * A window by its name, open now or later; without a name the only one that is open.
 * @throws {BursarError} UNKNOWN_BUDGET; INVALID_ARGUMENT when no such window comes, or several are open.
 */
export function findWindow(
  policy: Policy,
  budget: string,
  window: string | undefined,
  nowMs: number,
): WindowLine {
  const fund = fundOf(policy, budget)
  const open = openWindows(policy, budget, nowMs)
  const [only] = open
  if (window === undefined && only && open.length === 1) return only
  const found = window === undefined ? undefined : ahead(fund, budget, window, nowMs)
  if (found) return found
  const names = open.map(({ key }) => key.slice(budget.length + 1)).join(', ')
  throw new BursarError(
    'INVALID_ARGUMENT',
    window === undefined
      ? `budget ${budget} has several windows: say which one, e.g. --window ${names.split(', ')[0]} (open now: ${names})`
      : `budget ${budget} has no window ${window} from now on: name one such as ${names}, which is open now`,
    { detail: { budget, open: names } },
  )
}

function ahead(fund: Fund, budget: string, window: string, nowMs: number): WindowLine | undefined {
  for (const cut of fund.windows) {
    let atMs = nowMs
    for (let tried = 0; tried < MOST_AHEAD && Number.isSafeInteger(atMs); tried++) {
      const cutOut = windowAt(cut, fund.timezone, atMs)
      if (cutOut.id === window) return lineOf(budget, fund, cut, cutOut)
      if (cutOut.endMs >= Number.MAX_SAFE_INTEGER) break
      atMs = cutOut.endMs
    }
  }
  return undefined
}

const lineOf = (
  budget: string,
  { alertAt, mode }: Fund,
  { limitNano }: WindowPolicy,
  { id, startMs, endMs }: CalendarWindow,
): WindowLine => ({
  key: `${budget}:${id}`,
  startMs,
  endMs,
  limitNano,
  marks: alertAt,
  ...(mode === 'warn' ? { warnOnly: true } : {}),
})

const PER_TENANT: readonly string[] = ['user', 'session', 'run']

/** Every budget that a policy has, by the name before its subjects. */
function fundsOf(policy: Policy): Fund[] {
  const named = policy.budgets.map(({ scope, ...budget }) => {
    const each = scope.kind !== 'global' && scope.of === 'each'
    return { ...budget, parts: each ? (PER_TENANT.includes(scope.kind) ? 2 : 1) : 0 }
  })
  const tiers = Object.keys(policy.tiers).flatMap((name) => {
    const budget = entryOf(policy.tiers, name)?.budget
    return budget ? [{ ...budget, id: `tier.${name}`, parts: 2 }] : []
  })
  return [...named, ...tiers]
}

const SUBJECT = ['', '/<name>', '/<tenant>/<user>'] as const
const shapeOf = ({ id, parts }: Fund): string => `${id}${SUBJECT[parts] ?? ''}`

/** Names of the budgets that have one state for all. */
export const soleBudgets = (policy: Policy): string[] =>
  fundsOf(policy).flatMap(({ id, parts }) => (parts === 0 ? [id] : []))

function fundOf(policy: Policy, budget: string): Fund {
  const [id = '', ...subject] = budget.split('/')
  const funds = fundsOf(policy)
  const fund = funds.find((one) => one.id === id && one.parts === subject.length)
  if (fund && subject.every((part) => part !== '')) return fund
  const known = funds.map(shapeOf)
  throw new BursarError(
    'UNKNOWN_BUDGET',
    `the policy has no budget ${budget}: name one of ${known.join(', ')}, as bursar budget list shows them`,
    { detail: { budget, known } },
  )
}
