import { asc, count, gt } from 'drizzle-orm'
import { compareCounters } from '../../../jobs/compare-counters.ts'
import type { WindowState } from '../../admission/commands.ts'
import { type Outcome, splitWindowKey } from '../../admission/outbox.ts'
import { asking, type Ledger } from '../../ledger/ledger.ts'
import { listEntries } from '../../ledger/queries/list-entries.ts'
import { ledgerConflicts, requests } from '../../ledger/schema.ts'
import type { Nano } from '../../money/nano.ts'
import type { Runtime } from '../../runtime.ts'
import type { BilledCall } from './bill.ts'
import type { BookedAttempt, Evidence } from './evidence.ts'
import type { Tally } from './tally.ts'

/** What the driver saw, when nothing moves any more. */
export interface Driven {
  readonly tally: Tally
  /** Jobs that wait for a later window. */
  readonly parked: ReadonlySet<string>
  /** False: something was still moving when the patience ended. */
  readonly quiet: boolean
}

export interface Witnesses {
  readonly runtime: Runtime
  readonly driven: Driven
  readonly bill: readonly BilledCall[]
  readonly globalBudget: string
  readonly fallen: number
}

/** Asks everybody what they have. Nothing may move any more. @throws {BursarError} as the stores do. */
export async function collectEvidence(witnesses: Witnesses): Promise<Evidence> {
  const { runtime, driven, bill, globalBudget, fallen } = witnesses
  const { store, ledger } = runtime
  return {
    heard: driven.tally.jobs,
    contradicted: driven.tally.contradicted,
    ends: await requestEnds(ledger),
    parked: driven.parked,
    restless: !driven.quiet,
    fallen,
    entries: await allEntries(ledger),
    conflicts: await conflictCount(ledger),
    bill,
    windows: await peekAll(runtime, await store.windows()),
    spentNano: await spentIn(runtime, globalBudget),
    counters: await compareCounters(store, ledger),
  }
}

/** What the windows of one budget have counted, nano-USD. */
export async function spentIn(runtime: Runtime, budget: string): Promise<Nano> {
  const keys = await runtime.store.windows()
  const own = await peekAll(
    runtime,
    keys.filter((key) => splitWindowKey(key).budget === budget),
  )
  return own.reduce((sum, { spentNano }) => sum + spentNano, 0)
}

const PAGE = 1_000

async function peekAll({ store }: Runtime, keys: readonly string[]): Promise<WindowState[]> {
  const windows: WindowState[] = []
  for (let at = 0; at < keys.length; at += PAGE) {
    const page = await store.peek(keys.slice(at, at + PAGE))
    windows.push(...page.filter((window) => window !== null))
  }
  return windows
}

async function allEntries(ledger: Ledger): Promise<BookedAttempt[]> {
  const all: BookedAttempt[] = []
  let after: string | null = null
  do {
    const { entries, next }: Awaited<ReturnType<typeof listEntries>> = await listEntries(
      ledger,
      {},
      { limit: PAGE, ...(after === null ? {} : { after }) },
    )
    for (const { attempt, status, costNano, holdNano, overrunNano, windows } of entries) {
      all.push({ attempt, status, costNano, holdNano, overrunNano, windows })
    }
    after = next
  } while (after !== null)
  return all
}

async function requestEnds(ledger: Ledger): Promise<Map<string, Outcome>> {
  const ends = new Map<string, Outcome>()
  for (let after = ''; ; ) {
    const page = await asking(() =>
      ledger.db
        .select({ job: requests.job, outcome: requests.outcome })
        .from(requests)
        .where(gt(requests.job, after))
        .orderBy(asc(requests.job))
        .limit(PAGE),
    )
    for (const { job, outcome } of page) ends.set(job, outcome)
    const last = page.at(-1)
    if (!last || page.length < PAGE) return ends
    after = last.job
  }
}

async function conflictCount(ledger: Ledger): Promise<number> {
  const [row] = await asking(() => ledger.db.select({ rows: count() }).from(ledgerConflicts))
  return row?.rows ?? 0
}
