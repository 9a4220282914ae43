import type { Nano } from '../money/nano.ts'
import type { Unavailable } from './commands.ts'
import type { WindowLine } from './plan-lines.ts'

/** Sets what is granted on top of a window's limit. (PROTOCOL 3.12) */
export interface CreditCommand {
  /** Unique among all credits. Set, not added: twice is once. */
  readonly id: string
  /** 0 revokes it for good: a grant that arrives later changes nothing. */
  readonly amountNano: Nano
  /** First instant at which it counts no more, by the slot's clock; `FOREVER_MS` = as long as its window. */
  readonly untilMs: number
  /** Version of the policy that `line` is of. Both are read only for a window that nobody has opened. */
  readonly policy: number
  readonly line: WindowLine
}
export type CreditReply =
  /** How the window stands now, its limit in force. */
  | {
      readonly outcome: 'set'
      readonly limitNano: Nano
      readonly spentNano: Nano
      readonly heldNano: Nano
    }
  /** The credit or its window has ended: nothing was changed. */
  | { readonly outcome: 'lapsed' }
  | Unavailable
