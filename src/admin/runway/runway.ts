import { z } from 'zod'
import type { WindowState } from '../../admission/commands.ts'
import { splitWindowKey } from '../../admission/outbox.ts'
import type { WindowLine } from '../../admission/plan-lines.ts'
import type { Nano } from '../../money/nano.ts'

const nano = z.int()

/** How long a tenant's money lasts if it goes on spending as it does. */
export const RunwaySchema = z.object({
  tenant: z.string(),
  /** What the tenant spends an hour, nano-USD. */
  perHourNano: nano.min(0),
  /** The budget window that ends first, else the fullest; null = none governs all that the tenant does. */
  budget: z.string().nullable(),
  window: z.string().nullable(),
  /** What it has left, nano-USD; negative after a limit was lowered. */
  leftNano: nano.nullable(),
  /** When that is used up, ISO 8601; null = it lasts until its window rolls. */
  usedUpAt: z.string().nullable(),
})
export type Runway = Readonly<z.infer<typeof RunwaySchema>>

/** Money in a time. */
export interface Spend {
  readonly costNano: Nano
  readonly forMs: number
}

/** A budget window, and what all who share it spend from it. */
export interface Draining {
  readonly line: WindowLine
  /** null = nobody has spent from it yet. */
  readonly state: WindowState | null
  readonly spend: Spend
}

/** Dates end here; a budget for good does not. */
const LAST_MS = 8.64e15
const HOUR_MS = 3_600_000
const perHour = ({ costNano, forMs }: Spend): Nano => Math.round((costNano / forMs) * HOUR_MS)

/** @param windows - those that govern everything that the tenant does and may refuse it. */
export function runwayOf(
  tenant: string,
  own: Spend,
  windows: readonly Draining[],
  nowMs: number,
): Runway {
  const [tightest] = windows.map((one) => ended(one, nowMs)).toSorted(bySoonest)
  const known = { tenant, perHourNano: perHour(own) }
  if (!tightest) return { ...known, budget: null, window: null, leftNano: null, usedUpAt: null }
  const { key, leftNano, endsMs } = tightest
  const usedUpAt = endsMs === null ? null : new Date(endsMs).toISOString()
  return { ...known, ...splitWindowKey(key), leftNano, usedUpAt }
}

interface Ended {
  readonly key: string
  readonly leftNano: Nano
  /** Of the limit, 0 to 1. */
  readonly leftShare: number
  readonly endsMs: number | null
}

function ended({ line, state, spend }: Draining, nowMs: number): Ended {
  const { limitNano, endMs } = state ?? line
  const leftNano = limitNano - (state ? state.spentNano + state.heldNano : 0)
  // Of nothing, nothing is left.
  const leftShare = limitNano === 0 ? 0 : leftNano / limitNano
  const inMs = spend.costNano === 0 ? endMs : (Math.max(leftNano, 0) / spend.costNano) * spend.forMs
  const atMs = leftNano <= 0 ? nowMs : Math.ceil(nowMs + inMs)
  return {
    key: line.key,
    leftNano,
    leftShare,
    endsMs: atMs < Math.min(endMs, LAST_MS) ? atMs : null,
  }
}

const bySoonest = (a: Ended, b: Ended): number =>
  compare(a.endsMs, b.endsMs) || a.leftShare - b.leftShare

/** What lasts comes last. */
function compare(a: number | null, b: number | null): number {
  if (a === b) return 0
  if (a === null) return 1
  return b === null ? -1 : a - b
}

/** Who runs out first is first; of those that last, who spends the most. */
export const byRunway = (a: Runway, b: Runway): number =>
  compare(instantOf(a), instantOf(b)) || b.perHourNano - a.perHourNano

const instantOf = ({ usedUpAt }: Runway): number | null =>
  usedUpAt === null ? null : Date.parse(usedUpAt)
