import type { WindowState } from '../admission/commands.ts'
import { limitsFor } from '../admission/plan/limit-lines.ts'
import { budgetChain } from '../admission/plan/window-lines.ts'
import { FOREVER_MS, type WindowLine } from '../admission/plan-lines.ts'
import { type LimitReport, reportLimit } from '../queue/limit-words.ts'
import { type BudgetLine, budgetLine, tightestOf } from '../queue/receipt.ts'
import { receiptWindow } from '../queue/receipt-record.ts'
import { readIdentity } from '../queue/request.ts'
import type { Submission } from './submit.ts'
import type { Identity } from './types.ts'

export interface BudgetQuota extends BudgetLine {
  /** When the window rolls, ISO 8601; null = never. */
  readonly resetsAt: string | null
}

export type LimitQuota = LimitReport

export interface Quota {
  readonly tier: string
  /** What the tightest budget that may refuse still allows, USD; null when none governs them. */
  readonly left: string | null
  /** That budget's window, e.g. `company:2026-11`. */
  readonly tightest: string | null
  readonly budgets: readonly BudgetQuota[]
  /** Of requests, tokens and calls at a time; those about a model or provider are not theirs alone. */
  readonly limits: readonly LimitQuota[]
}

/** @throws {BursarError} INVALID_REQUEST, UNKNOWN_TIER, STORE_UNAVAILABLE. */
export function quota({ link, rules, clock }: Submission, who: Identity): Promise<Quota> {
  return link.use(async ({ store }) => {
    const { policy } = await rules.get()
    const identity = readIdentity(who, policy)
    const lines = budgetChain(policy, identity, clock.now())
    const named = limitsFor(policy, identity)
    const [states, limits] = await Promise.all([
      store.peek(lines.map(({ key }) => key)),
      store.peekLimits(named.map(({ line }) => line)),
    ])
    const left = lines.map((line, at) => leftIn(line, states[at] ?? null))
    const windows = lines.map((line, at) =>
      receiptWindow({ ...line, limitNano: states[at]?.limitNano ?? line.limitNano }),
    )
    return {
      tier: identity.tier,
      ...tightestOf(windows, left),
      budgets: windows.map((window, at) => ({
        ...budgetLine(window, left[at] ?? window.limitNano),
        resetsAt: resetOf(lines[at]?.endMs),
      })),
      limits: named.flatMap((limit, at) => {
        const state = limits[at]
        return state ? [reportLimit(limit, state)] : []
      }),
    }
  })
}

const resetOf = (endMs = FOREVER_MS): string | null =>
  endMs >= FOREVER_MS ? null : new Date(endMs).toISOString()

/** What a window still allows, nano-USD; a window that nobody held against yet is whole. */
export const leftIn = (line: WindowLine, state: WindowState | null): number =>
  state ? state.limitNano - state.spentNano - state.heldNano : line.limitNano
