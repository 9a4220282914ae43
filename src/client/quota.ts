import type { WindowLine, WindowState } from '../admission/commands.ts'
import { requestLimits } from '../admission/plan/limit-lines.ts'
import { budgetChain } from '../admission/plan/window-lines.ts'
import { formatUsd } from '../money/usd.ts'
import { type BudgetLine, budgetLine } from '../queue/receipt.ts'
import { readIdentity } from '../queue/request.ts'
import type { Submission } from './submit.ts'
import type { Identity } from './types.ts'

export interface BudgetQuota extends BudgetLine {
  /** When the window rolls, ISO 8601. */
  readonly resetsAt: string
}

export interface LimitQuota {
  readonly limit: string
  /** Requests that may be handed in now. */
  readonly remaining: number
  /** When it is whole again, ISO 8601. */
  readonly resetsAt: string
}

export interface Quota {
  readonly tier: string
  /** What the tightest budget still allows, USD; null when none governs them. */
  readonly left: string | null
  readonly budgets: readonly BudgetQuota[]
  /** Request limits. */
  readonly limits: readonly LimitQuota[]
}

/** @throws {BursarError} INVALID_REQUEST, UNKNOWN_TIER, STORE_UNAVAILABLE. */
export function quota({ link, rules, clock }: Submission, who: Identity): Promise<Quota> {
  return link.use(async ({ store }) => {
    const { policy } = await rules.get()
    const identity = readIdentity(who, policy)
    const lines = budgetChain(policy, identity, clock.now())
    const [states, limits] = await Promise.all([
      store.peek(lines.map(({ key }) => key)),
      store.peekLimits(requestLimits(policy, identity)),
    ])
    const left = lines.map((line, at) => leftIn(line, states[at] ?? null))
    return {
      tier: identity.tier,
      left: left.length === 0 ? null : formatUsd(Math.min(...left)),
      budgets: lines.map((line, at) => ({
        ...budgetLine(line.key, states[at]?.limitNano ?? line.limitNano, left[at] ?? 0),
        resetsAt: new Date(line.endMs).toISOString(),
      })),
      limits: limits.map(({ key, remaining, resetAtMs }) => ({
        limit: key,
        remaining,
        resetsAt: new Date(resetAtMs).toISOString(),
      })),
    }
  })
}

/** What a window still allows, nano-USD; a window that nobody held against yet is whole. */
export const leftIn = (line: WindowLine, state: WindowState | null): number =>
  state ? state.limitNano - state.spentNano - state.heldNano : line.limitNano
