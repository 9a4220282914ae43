import { compareOutboxIds, type Outbox, type OutboxEntry } from '../src/admission/outbox.ts'
import type { AdmissionStore } from '../src/admission/store.ts'
import type { Ledger } from '../src/ledger/ledger.ts'
import { windowTotals } from '../src/ledger/queries/window-sums.ts'
import { readSlotRow } from '../src/ledger/slot-row.ts'
import type { Nano } from '../src/money/nano.ts'

/** A window whose counter is not what the ledger and the outbox add up to. */
export interface CounterDifference {
  /** `<budget>:<window>` */
  readonly key: string
  readonly counterNano: Nano
  readonly ledgerNano: Nano
}

export interface CounterComparison {
  readonly windows: number
  /** Left out, because money moved in them meanwhile. */
  readonly moving: number
  readonly differing: readonly CounterDifference[]
}

const TRIES = 5
const PAGE_ENTRIES = 1_000
const PAGE_WINDOWS = 500

/**
 * Holds law 5 against what is there: for each window that still has a counter, the ledger's postings and the outbox
 * after the watermark add up to it. Reads only.
 * @returns null when the drain was too quick to get a picture of one moment; ask again.
 * @throws {BursarError} STORE_UNAVAILABLE, LEDGER_UNAVAILABLE.
 */
export async function compareCounters(
  store: Pick<AdmissionStore, 'outbox' | 'peek'>,
  ledger: Ledger,
): Promise<CounterComparison | null> {
  for (let tried = 0; tried < TRIES; tried++) {
    const sums = await ledgerAt(ledger)
    if (sums === null) continue
    const { watermark, epoch, totals } = sums
    const before = await readAll(store.outbox, watermark)
    const slot = await store.outbox.slot()
    if (!slot || slot.epoch !== epoch || compareOutboxIds(slot.trimmed, watermark) > 0) continue
    addPostings(totals, before)
    const counters = await peekAll(store, [...totals.keys()])
    const seenTo = before.at(-1)?.id ?? watermark
    const after = await readAll(store.outbox, seenTo)
    // What came meanwhile and was drained meanwhile is in neither look at the outbox.
    const trimmed = (await store.outbox.slot())?.trimmed
    if (trimmed === undefined || compareOutboxIds(trimmed, seenTo) > 0) continue
    return compare(totals, counters, new Set(after.flatMap(windowsOf)))
  }
  return null
}

/** @returns null when a drain committed between the two looks at the watermark. */
async function ledgerAt(ledger: Ledger) {
  const row = await readSlotRow(ledger)
  const sums = await windowTotals(ledger)
  const again = await readSlotRow(ledger)
  if (again.watermark !== row.watermark || again.epoch !== row.epoch) return null
  return { ...row, totals: new Map([...sums].map(([key, { spentNano }]) => [key, spentNano])) }
}

async function readAll(outbox: Outbox, afterId: string): Promise<OutboxEntry[]> {
  const entries: OutboxEntry[] = []
  for (let from = afterId; ; ) {
    const page = await outbox.read(from, PAGE_ENTRIES)
    entries.push(...page)
    const last = page.at(-1)
    if (!last || page.length < PAGE_ENTRIES) return entries
    from = last.id
  }
}

async function peekAll(store: Pick<AdmissionStore, 'peek'>, keys: readonly string[]) {
  const counters = new Map<string, Nano>()
  for (let at = 0; at < keys.length; at += PAGE_WINDOWS) {
    const states = await store.peek(keys.slice(at, at + PAGE_WINDOWS))
    for (const state of states) if (state) counters.set(state.key, state.spentNano)
  }
  return counters
}

const windowsOf = (entry: OutboxEntry): readonly string[] =>
  entry.type === 'posting' ? entry.windows : []

function addPostings(totals: Map<string, Nano>, entries: readonly OutboxEntry[]): void {
  for (const entry of entries) {
    if (entry.type !== 'posting') continue
    for (const key of entry.windows) totals.set(key, (totals.get(key) ?? 0) + entry.deltaNano)
  }
}

function compare(
  totals: ReadonlyMap<string, Nano>,
  counters: ReadonlyMap<string, Nano>,
  moving: ReadonlySet<string>,
): CounterComparison {
  const differing: CounterDifference[] = []
  for (const [key, counterNano] of counters) {
    const ledgerNano = totals.get(key) ?? 0
    if (!moving.has(key) && ledgerNano !== counterNano) {
      differing.push({ key, counterNano, ledgerNano })
    }
  }
  return { windows: counters.size, moving: moving.size, differing }
}
