import type { Redis } from 'ioredis'
import { lookAtSlot, type SlotLook } from '../../admission/redis/lives.ts'
import type { Options } from '../../config/options.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { readSlotLife, readSlotRow, type SlotLife, type SlotRow } from '../../ledger/slot-row.ts'
import { describeSlot } from '../../slot/describe.ts'
import { type Finding, ok, skipped, warn, wrong, wrongBy } from './finding.ts'

/** Whether the slot in Redis and the ledger know the same life of it (PROTOCOL 3.10). */
export async function examineSlot(
  { BURSAR_PREFIX: prefix }: Options,
  redis: Redis | undefined,
  ledger: Ledger | undefined,
): Promise<Finding> {
  if (!redis || !ledger) return skipped('slot', 'needs Redis and PostgreSQL')
  try {
    const slot = await lookAtSlot({ redis, prefix })
    return judgeSlot(slot, await readSlotRow(ledger), await readSlotLife(ledger))
  } catch (error) {
    return wrongBy('slot', error)
  }
}

/** @param slot - what Redis says. @param row - what the ledger says. */
export function judgeSlot(slot: SlotLook, row: SlotRow, life: SlotLife): Finding {
  const ledgerIsNew = row.epoch === 0 && row.watermark === '0'
  const found = describeSlot(slot, life)
  if (slot.state === 'missing' && ledgerIsNew) {
    return warn('slot', 'not opened yet', 'run bursar start: the first worker opens it')
  }
  if (slot.state !== 'open') {
    const mend =
      slot.state === 'closed' && slot.lost === null
        ? 'wait until the move has ended; if it died, run it again'
        : 'wait: every process that runs reopens it from the ledger; run bursar start if none does'
    return wrong('slot', found, mend)
  }
  // A new ledger learns the slot's epoch with its first drain.
  if (slot.epoch !== row.epoch && !ledgerIsNew) {
    return wrong(
      'slot',
      `life ${slot.epoch} in Redis, ${row.epoch} in the ledger`,
      'point REDIS_URL and DATABASE_URL at stores that belong together',
    )
  }
  return ok('slot', `${found}, ledger has read it up to ${row.watermark}`)
}
