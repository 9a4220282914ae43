import type { AlertState } from '../../ledger/schema.ts'
import type { Nano } from '../../money/nano.ts'
import type { Grant, Severity } from '../notice.ts'
import type { LinkClaim } from './link.ts'

/** What a link is about, as it stands now. */
export interface Sight {
  readonly claim: LinkClaim
  /** One line that says what was found. */
  readonly title: string
  readonly severity: Severity
  readonly state: AlertState
  readonly stateBy: string
  readonly stateAtMs: number
  readonly why: string
  readonly silencedUntilMs: number | null
  readonly timezone: string
  /** null = it is about no money that can be given. */
  readonly money: Money | null
}

/** The budget window of an alert. */
export interface Money {
  readonly budget: string
  readonly window: string
  /** In force, top-ups included. */
  readonly limitNano: Nano
  readonly spentNano: Nano
  readonly heldNano: Nano
  /** First instant after it; null = it never ends. */
  readonly endMs: number | null
  /** Work that waits for it. */
  readonly parked: { readonly jobs: number; readonly mostNano: Nano }
  /** What would let all of it go on; 0 = it can already, or nothing waits. */
  readonly neededNano: Nano
  /** The most that a link may grant. */
  readonly mostNano: Nano
  /** What counts on top now, newest first. */
  readonly grants: readonly Grant[]
  /** What was granted from the same message already; null = nothing. */
  readonly used: Grant | null
}

/** Why nothing can be done with a link. */
export type Problem =
  | 'forged'
  | 'expired'
  | 'no-alert'
  | 'window-over'
  | 'no-links'
  | 'form-expired'
  | 'away'
