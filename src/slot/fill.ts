import type { AdoptCommand } from '../admission/adopt-command.ts'
import { latestEndMs } from '../admission/latest-end.ts'
import { LEASE_TTL_MS } from '../admission/lease-id.ts'
import { KEEP_MS, type WindowRecord } from '../admission/model/state.ts'
import { emptySlot } from '../admission/model.ts'
import { splitWindowKey } from '../admission/outbox.ts'
import { openWindows } from '../admission/plan/find-windows.ts'
import type { WindowLine } from '../admission/plan-lines.ts'
import { packSlot } from '../admission/redis/pack-slot.ts'
import type { SlotRestorer } from '../admission/redis/restore.ts'
import type { Policy } from '../config/policy-types.ts'
import { isBursarError } from '../errors.ts'
import { creditCommand } from '../ledger/credit-command.ts'
import { openCredits } from '../ledger/credits.ts'
import { type OpenLease, openLeases } from '../ledger/leases.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { endedJobs, type LedgerWindow, windowPage } from '../ledger/queries/slot-contents.ts'

export interface FillParts {
  readonly ledger: Ledger
  readonly restorer: Pick<SlotRestorer, 'restore'>
  /** Whose terms the windows get that are open now; null = nobody knows a policy: they come with the next admission. */
  readonly policy: Policy | null
  /** Now by the slot's server. */
  readonly nowMs: number
}

/** One script stays within a few milliseconds of Redis. */
const PAGE_ROWS = 64
const READ_ROWS = 1_000

/**
 * Puts every window back that may still be spent in: what the ledger has for it, its terms and its credits.
 * @returns how many.
 * @throws {BursarError} SLOT_CLOSED when the claim is gone, STORE_UNAVAILABLE, LEDGER_UNAVAILABLE, here and below.
 */
export async function fillWindows(parts: FillParts): Promise<number> {
  const { ledger, nowMs } = parts
  const credited = await creditedWindows(parts)
  let count = 0
  for (let after = ''; ; ) {
    const page = await windowPage(ledger, after, READ_ROWS)
    const live = page.filter(({ key }) => latestEndMs(key) + KEEP_MS > nowMs)
    await restoreWindows(parts, live, credited)
    count += live.length
    for (const { key } of page) credited.delete(key)
    after = page.at(-1)?.key ?? ''
    if (page.length < READ_ROWS) break
  }
  // Somebody granted money in these before anybody spent.
  const rest = [...credited.keys()].map((key) => ({ key, spentNano: 0, firedPercent: 0 }))
  await restoreWindows(parts, rest, credited)
  return count + rest.length
}

type Credited = Map<string, Pick<WindowRecord, 'credits'> & { line: WindowLine; policy: number }>

async function creditedWindows({ ledger, nowMs }: FillParts): Promise<Credited> {
  const credited: Credited = new Map()
  for (const credit of await openCredits(ledger, nowMs)) {
    const { id, amountNano, untilMs, line, policy } = creditCommand(credit)
    const known = credited.get(line.key)?.credits ?? []
    credited.set(line.key, { line, policy, credits: [...known, { id, amountNano, untilMs }] })
  }
  return credited
}

async function restoreWindows(
  { restorer, policy, nowMs }: FillParts,
  windows: readonly LedgerWindow[],
  credited: Credited,
): Promise<void> {
  for (let at = 0; at < windows.length; at += PAGE_ROWS) {
    const page = windows.slice(at, at + PAGE_ROWS)
    const state = emptySlot()
    for (const window of page) {
      state.windows.set(window.key, recordOf(window, policy, credited, nowMs))
    }
    const sums = new Map(page.map(({ key, spentNano }) => [key, spentNano]))
    const packed = packSlot({ state, nowMs, spentNano: (key) => sums.get(key) ?? 0 })
    await restorer.restore([...packed].map((one) => one.packed))
  }
}

function recordOf(
  { key, firedPercent }: LedgerWindow,
  policy: Policy | null,
  credited: Credited,
  nowMs: number,
): WindowRecord {
  const granted = credited.get(key)
  const line = (policy && lineOf(policy, key, nowMs)) ?? granted?.line
  const version = line === granted?.line ? granted?.policy : policy?.version
  return {
    // Below every policy: the next admission brings its own terms.
    policy: line ? (version ?? 0) : 0,
    limitNano: line?.limitNano ?? 0,
    startMs: line?.startMs ?? 0,
    endMs: line?.endMs ?? latestEndMs(key),
    marks: line?.marks ?? [],
    warnOnly: line?.warnOnly === true,
    firedPercent,
    credits: granted?.credits ?? [],
    spentNano: 0,
    heldNano: 0,
  }
}

/** The window as the policy has it, when it is open now. */
function lineOf(policy: Policy, key: string, nowMs: number): WindowLine | undefined {
  try {
    const open = openWindows(policy, splitWindowKey(key).budget, nowMs)
    return open.find((line) => line.key === key)
  } catch (error) {
    if (isBursarError(error, 'UNKNOWN_BUDGET')) return undefined
    throw error
  }
}

/** Allowances that the ledger knows to be open: each is a hold again, whole, whatever was booked from it since. */
export async function leaseHolds(ledger: Ledger): Promise<AdoptCommand[]> {
  return (await openLeases(ledger)).map(holdOf)
}

const holdOf = (lease: OpenLease): AdoptCommand => ({
  attempt: lease.id,
  job: lease.process,
  ledger: null,
  as: 'held',
  costNano: 0,
  ttlMs: LEASE_TTL_MS,
  ...{ rung: 0, capTokens: 0, n: 0 },
  holdNano: lease.amountNano,
  atMs: lease.openedAtMs,
  windows: lease.windows,
  meta: '',
  detail: '',
})

/**
 * Puts the ends of requests back, so that one that was answered is not called for again under its id.
 * @returns how many.
 */
export async function fillJobs({ ledger, restorer, nowMs }: FillParts): Promise<number> {
  let count = 0
  for (let last: Awaited<ReturnType<typeof endedJobs>>[number] | null = null; ; ) {
    const page = await endedJobs(ledger, nowMs - KEEP_MS, last, READ_ROWS)
    for (let at = 0; at < page.length; at += PAGE_ROWS) {
      const state = emptySlot()
      for (const { job, outcome, endedAtMs } of page.slice(at, at + PAGE_ROWS)) {
        const rest = { queued: false, cancelled: false, n: 0, joined: '', joins: 0 }
        state.jobs.set(job, { ...rest, done: outcome, atMs: endedAtMs })
      }
      const packed = packSlot({ state, nowMs, spentNano: () => 0 })
      await restorer.restore([...packed].map((one) => one.packed))
    }
    count += page.length
    last = page.at(-1) ?? null
    if (page.length < READ_ROWS) return count
  }
}
