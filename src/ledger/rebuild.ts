import type { RebuiltWindow } from '../admission/rebuild-command.ts'
import type { AdmissionStore } from '../admission/store.ts'
import { BursarError } from '../errors.ts'
import type { Ledger } from './ledger.ts'
import { totalsAt } from './queries/totals-at.ts'

export interface RebuildParts {
  readonly store: Pick<AdmissionStore, 'rebuild'>
  readonly ledger: Ledger
  /** False = only look. */
  readonly apply: boolean
}

/** A drain commits some twenty times a second at most, and a picture takes a few milliseconds. */
const TRIES = 20

/**
 * Holds counters against the ledger, and makes them again from it when `apply` says so, beside any traffic: one
 * picture of the ledger, one step of the slot; when the drain was quicker, another picture. (PROTOCOL 3.9)
 * @param keys - a page of windows: one step of the slot judges all of them, so that 1,000 are plenty.
 * @returns the windows of them that have a counter, in their order, equal or not.
 * @throws {BursarError} SLOT_CLOSED when slot and ledger are of different lives; STORE_UNAVAILABLE, also when the drain
 * was quicker every time; LEDGER_UNAVAILABLE.
 */
export async function rebuildCounters(
  { store, ledger, apply }: RebuildParts,
  keys: readonly string[],
): Promise<readonly RebuiltWindow[]> {
  for (let tried = 0; tried < TRIES; tried++) {
    const { epoch, watermark, totals } = await totalsAt(ledger, keys)
    const sums = keys.map((key) => ({ key, spentNano: totals.get(key) ?? 0 }))
    const reply = await store.rebuild({ epoch, watermark, sums, apply })
    if (reply.outcome === 'rebuilt') return reply.windows
    if (reply.outcome !== 'retry') throw foreign()
  }
  throw new BursarError(
    'STORE_UNAVAILABLE',
    'the ledger is drained too quickly to make counters from it: try again when there is less to do',
    { retryable: true },
  )
}

/** Whether counter and books disagree. */
export const isWrong = ({ before, after }: RebuiltWindow): boolean =>
  before.spentNano !== after.spentNano || before.heldNano !== after.heldNano

const foreign = (): BursarError =>
  new BursarError(
    'SLOT_CLOSED',
    'the slot is missing, closed or of another epoch than the ledger: bursar doctor says which',
    { retryable: true },
  )
