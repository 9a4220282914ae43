import { z } from 'zod'
import type { LedgerCredit } from '../../ledger/credits.ts'

const nano = z.int()
const iso = z.string()
const isoOrNull = iso.nullable()
const textOrNull = z.string().nullable()

/** Something that was granted on top of a budget window's limit. */
export const CreditSchema = z.object({
  id: z.string(),
  ...{ budget: z.string(), window: z.string() },
  amountNano: nano.min(0),
  /** `active` = it counts now; `waiting` = its window is yet to come. */
  state: z.enum(['active', 'waiting', 'expired', 'revoked']),
  /** First instant at which it counts no more, ISO 8601. */
  until: iso,
  ...{ reason: z.string(), grantedBy: z.string(), grantedAt: iso },
  ...{ revokedBy: textOrNull, revokedAt: isoOrNull, revokedReason: textOrNull },
})
export type CreditView = Readonly<z.infer<typeof CreditSchema>>

/** One budget window as it stands. */
export const BudgetSchema = z.object({
  ...{ budget: z.string(), window: z.string() },
  /** In force, and the part of it that was granted on top of the policy's, nano-USD. */
  ...{ limitNano: nano, creditNano: nano },
  ...{ spentNano: nano, heldNano: nano },
  /** Negative after a limit was lowered. */
  leftNano: nano,
  /** Spent and held, percent of the limit; null when the limit is 0. */
  usedPercent: z.number().nullable(),
  /** True = spending is counted, and nothing is refused. */
  warnOnly: z.boolean(),
  /** When the window rolls, ISO 8601; null = never. */
  resetsAt: isoOrNull,
})
export type BudgetView = Readonly<z.infer<typeof BudgetSchema>>

const isoOf = (atMs: number): string => new Date(atMs).toISOString()

export const untilMsOf = ({ untilMs, endMs }: Pick<LedgerCredit, 'untilMs' | 'endMs'>): number =>
  untilMs ?? endMs

export function creditView(credit: LedgerCredit, nowMs: number): CreditView {
  const { id, budget, window, amountNano, reason, grantedBy, revokedBy, revokedReason } = credit
  return {
    ...{ id, budget, window, amountNano, reason, grantedBy, revokedBy, revokedReason },
    state: stateOf(credit, nowMs),
    until: isoOf(untilMsOf(credit)),
    grantedAt: isoOf(credit.grantedAtMs),
    revokedAt: credit.revokedAtMs === null ? null : isoOf(credit.revokedAtMs),
  }
}

function stateOf(credit: LedgerCredit, nowMs: number): CreditView['state'] {
  if (credit.revokedAtMs !== null) return 'revoked'
  if (untilMsOf(credit) <= nowMs) return 'expired'
  return credit.startMs > nowMs ? 'waiting' : 'active'
}
