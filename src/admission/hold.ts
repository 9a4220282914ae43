import { BursarError } from '../errors.ts'
import type { Nano } from '../money/nano.ts'

/** What a hold was granted for. */
export interface HoldTerms {
  readonly attemptId: string
  readonly job: string
  readonly rung: number
  readonly holdNano: Nano
  readonly capTokens: number
  readonly n: number
  readonly atMs: number
  readonly windows: readonly string[]
}

/**
 * Permission to send once, backed by money held in every budget of the chain. Only `grantHold` makes one, and only
 * the answer `held` of a store leads there; its private state makes a look-alike object fail to compile.
 */
class Hold {
  readonly terms: HoldTerms
  #sent = false
  #withdrawn = false

  constructor(terms: HoldTerms) {
    this.terms = terms
  }

  get attemptId(): string {
    return this.terms.attemptId
  }

  /** True once the call may have reached the provider: such a hold is settled, never released. */
  get sent(): boolean {
    return this.#sent
  }

  /**
   * The slot has lost it, or is about to be asked what it has: it is never sent from now on.
   * @returns false when it has been sent: then it is owed.
   */
  withdraw(): boolean {
    this.#withdrawn = true
    return !this.#sent
  }

  /**
   * @throws {BursarError} HOLD_CONSUMED at the second send: one hold pays for one HTTP request. SLOT_CLOSED when it was
   * withdrawn before: nothing was sent.
   */
  consume(): void {
    if (this.#withdrawn && !this.#sent) {
      throw new BursarError(
        'SLOT_CLOSED',
        `the slot lost its data before attempt ${this.attemptId} was sent: it is asked for a hold again`,
        { retryable: true },
      )
    }
    if (this.#sent) {
      throw new BursarError(
        'HOLD_CONSUMED',
        `attempt ${this.attemptId} was sent before: take a new hold`,
      )
    }
    this.#sent = true
  }
}

export type { Hold }
export const grantHold = (terms: HoldTerms): Hold => new Hold(terms)
