import type { Operation } from '../config/operations.ts'
import type { RungPolicy } from '../config/policy-types.ts'
import type { ModelPrice } from '../pricing/types.ts'
import type { RequestBody } from '../provider/types.ts'
import type { Urgency } from './outbox.ts'
import type { Chain, LimitLine, RungOffer, WindowLine } from './plan-lines.ts'

/** One request with its identity resolved. */
export interface GovernedRequest {
  readonly operation: Operation
  /** As the app asked: `auto`, or a model's name. */
  readonly model: string
  readonly body: RequestBody
  readonly tenant: string
  readonly user: string
  readonly tier: string
  readonly tags: Readonly<Record<string, string>>
  readonly urgency: Urgency
  /** What it is for, as limits name it; absent = nothing of a kind. */
  readonly resource?: string
  /** Whence it came, as `readIpAddress` names it; absent = nobody knows. Never a tag: those stand in the ledger. */
  readonly ip?: string
  /** Forbids stepping down. */
  readonly pinned: boolean
}

/** A rung that this request may be served on; same index as the plan's offers. */
export interface PlannedRung {
  readonly rung: RungPolicy
  readonly price: ModelPrice
}

/** Pure function of policy, prices, request and time. */
export type Plan =
  | {
      readonly ok: true
      readonly windows: readonly WindowLine[]
      readonly offers: readonly RungOffer[]
      readonly rungs: readonly PlannedRung[]
      readonly limits: readonly LimitLine[]
      /** Where rungs are governed differently; empty = every line governs every rung. */
      readonly chains: readonly Chain[]
      readonly inputTokens: number
      /** Deferrable and batch work of a tier that parks. */
      readonly parks: boolean
    }
  | {
      readonly ok: false
      readonly code: 'UNKNOWN_MODEL' | 'UNKNOWN_TIER' | 'INVALID_REQUEST'
      readonly message: string
      readonly detail: Readonly<Record<string, unknown>>
    }
