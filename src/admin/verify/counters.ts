import type { WindowState } from '../../admission/commands.ts'
import { compareOutboxIds } from '../../admission/outbox.ts'
import { BursarError } from '../../errors.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { totalsAt } from '../../ledger/queries/totals-at.ts'
import type { Nano } from '../../money/nano.ts'
import { formatUsd } from '../../money/usd.ts'
import type { ReadSlot } from '../place/read-slot.ts'
import type { Findings } from './findings.ts'
import { movedAfter } from './outbox.ts'

export interface CounterCheck {
  /** Windows that have a counter. */
  readonly windows: number
  /** Of them not judged, because money moved in them meanwhile. */
  readonly moving: number
}

const PAGE_WINDOWS = 2_000
const TRIES = 10

/**
 * Law 5: each counter is the sum of the ledger's postings and of the outbox that the ledger has not read. One page of
 * windows is in memory at a time.
 * @throws {BursarError} STORE_UNAVAILABLE, LEDGER_UNAVAILABLE; retryable when the drain never stood still.
 */
export async function checkCounters(
  slot: ReadSlot,
  ledger: Ledger,
  findings: Findings,
): Promise<CounterCheck> {
  let windows = 0
  let moving = 0
  for await (const keys of slot.windows(Number.NEGATIVE_INFINITY, PAGE_WINDOWS)) {
    const picture = await pictureOf(slot, ledger, keys)
    for (const [at, key] of keys.entries()) {
      const state = picture.states[at] ?? null
      if (state) windows += 1
      if (picture.moved.has(key)) moving += 1
      else judge(key, state, picture.sums.get(key) ?? 0, findings)
    }
    await checkHeld(slot, picture.states, findings)
  }
  return { windows, moving }
}

interface Picture {
  /** Ledger and outbox together. */
  readonly sums: ReadonlyMap<string, Nano>
  /** In the order of the keys; null = there is no counter. */
  readonly states: readonly (WindowState | null)[]
  /** Windows in which money moved while the counters were read. */
  readonly moved: ReadonlyMap<string, Nano>
}

async function pictureOf(
  slot: ReadSlot,
  ledger: Ledger,
  keys: readonly string[],
): Promise<Picture> {
  const wanted = new Set(keys)
  for (let tried = 0; tried < TRIES; tried++) {
    const { epoch, watermark, totals } = await totalsAt(ledger, keys)
    const before = await movedAfter(slot.outbox, watermark, wanted)
    const now = await slot.outbox.slot()
    // A drain went past this picture's watermark: part of the outbox was gone before it was read.
    if (!now || now.epoch !== epoch || compareOutboxIds(now.trimmed, watermark) > 0) continue
    const states = await slot.peek(keys)
    const { nano: moved } = await movedAfter(slot.outbox, before.lastId, wanted)
    const then = await slot.outbox.slot()
    // What came meanwhile and was drained meanwhile is in neither look at the outbox.
    if (!then || compareOutboxIds(then.trimmed, before.lastId) > 0) continue
    const sums = new Map(totals)
    for (const [key, nano] of before.nano) sums.set(key, (sums.get(key) ?? 0) + nano)
    return { sums, states, moved }
  }
  throw new BursarError(
    'STORE_UNAVAILABLE',
    'the ledger is drained too quickly to compare it with the counters: verify again when there is less to do',
    { retryable: true },
  )
}

function judge(key: string, state: WindowState | null, sum: Nano, findings: Findings): void {
  if (!state) {
    if (sum !== 0) findings.add('counter-missing', key, `the ledger has ${formatUsd(sum)}`)
    return
  }
  if (state.spentNano !== sum) {
    const found = `the counter has ${formatUsd(state.spentNano)}, the ledger ${formatUsd(sum)}`
    findings.add('counter-differs', key, found)
  }
  if (state.heldNano < 0) findings.add('held-negative', key, formatUsd(state.heldNano))
}

/** Without a single hold, no window holds anything: seen twice, so that a hold that came and went is not blamed. */
async function checkHeld(
  slot: ReadSlot,
  states: readonly (WindowState | null)[],
  findings: Findings,
): Promise<void> {
  const holding = states.filter((state) => state !== null && state.heldNano > 0)
  if (holding.length === 0 || (await slot.countHolds()) > 0) return
  const again = await slot.peek(holding.flatMap((state) => (state ? [state.key] : [])))
  if ((await slot.countHolds()) > 0) return
  for (const state of again) {
    if (state && state.heldNano > 0) {
      findings.add('held-without-hold', state.key, formatUsd(state.heldNano))
    }
  }
}
