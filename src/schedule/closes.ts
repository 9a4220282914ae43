import type { Outbox } from '../admission/outbox.ts'
import { windowAt } from '../admission/windows.ts'
import type { Policy } from '../config/policy-types.ts'
import { sealedUntil } from '../ledger/closes/list.ts'
import { adjustPeriod, type Period, sealPeriod } from '../ledger/closes/seal.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { readSlotRow } from '../ledger/slot-row.ts'
import type { ClosePeriod } from '../ledger/tables/closes.ts'

/** Every timezone in which somebody has a budget, and the policy's own; sorted. */
export function timezonesOf({ timezone, budgets, tiers }: Policy): readonly string[] {
  const funds = [...budgets, ...Object.values(tiers).flatMap(({ budget }) => budget ?? [])]
  return [...new Set([timezone, ...funds.map((fund) => fund.timezone)])].toSorted()
}

/** The periods of a timezone that touch a range, in order. */
export function periodsIn(
  per: ClosePeriod,
  timezone: string,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): readonly Period[] {
  const periods: Period[] = []
  for (let atMs = fromMs; atMs < toMs; ) {
    const { id, startMs, endMs } = windowAt({ per }, timezone, atMs)
    periods.push({ period: per, window: id, timezone, startMs, endMs })
    atMs = endMs
  }
  return periods
}

/** What calls that were under way at the end of a period are given to settle: what comes later is an adjustment. */
export const SETTLING_MS = 600_000

/**
 * Until when the ledger has everything: now, or when the oldest entry was written that is not drained.
 * @throws {BursarError} STORE_UNAVAILABLE, LEDGER_UNAVAILABLE.
 */
export async function completeUntil(
  ledger: Ledger,
  outbox: Pick<Outbox, 'read'>,
  nowMs: number,
): Promise<number> {
  const { watermark } = await readSlotRow(ledger)
  const [oldest] = await outbox.read(watermark, 1)
  const writtenMs = Number(oldest?.id.split('-')[0] ?? nowMs)
  return Math.min(nowMs, writtenMs)
}

export interface CloseRequest {
  readonly periods: readonly Period[]
  /** Periods that end, and settle, after it stay open. */
  readonly completeUntilMs: number
  readonly by: string
  readonly signal?: AbortSignal
  readonly onDone?: (done: number, total: number) => void
}

/** How many periods were sealed now, and how many adjustments were written to those that were sealed before. */
export interface ClosedFigures {
  readonly sealed: number
  readonly adjusted: number
}

/** Seals what ended and writes down what changed in what was sealed before. Again changes nothing. */
export async function closePeriods(
  ledger: Ledger,
  { periods, completeUntilMs, by, signal, onDone }: CloseRequest,
): Promise<ClosedFigures> {
  let [sealed, adjusted] = [0, 0]
  const ended = periods.filter(({ endMs }) => endMs + SETTLING_MS <= completeUntilMs)
  for (const [at, period] of ended.entries()) {
    if (signal?.aborted) break
    if (await sealPeriod(ledger, period, by)) sealed += 1
    else adjusted += await adjustPeriod(ledger, period)
    onDone?.(at + 1, ended.length)
  }
  return { sealed, adjusted }
}

/**
 * The periods that a run of the schedule looks at: what ended since the newest sealed one (at first, only the last one
 * that ended), and those before it in which late bills are still usual.
 * @param backMs - how far those go back.
 */
export async function openPeriods(
  ledger: Ledger,
  per: ClosePeriod,
  timezone: string,
  { nowMs, backMs }: { readonly nowMs: number; readonly backMs: number },
): Promise<readonly Period[]> {
  const until = await sealedUntil(ledger, per, timezone)
  const current = windowAt({ per }, timezone, nowMs)
  const fromMs = until === null ? current.startMs - 1 : Math.min(until, nowMs - backMs)
  return periodsIn(per, timezone, { fromMs, toMs: current.startMs })
}
