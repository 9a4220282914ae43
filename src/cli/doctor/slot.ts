import type { Redis } from 'ioredis'
import { createRedisStore } from '../../admission/redis/store.ts'
import type { Options } from '../../config/options.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { readSlotRow, type SlotRow } from '../../ledger/slot-row.ts'
import { type Finding, ok, skipped, warn, wrong, wrongBy } from './finding.ts'

/** Whether the slot in Redis and the ledger know the same life of it (PROTOCOL 3.10). */
export async function examineSlot(
  { BURSAR_PREFIX: prefix }: Options,
  redis: Redis | undefined,
  ledger: Ledger | undefined,
): Promise<Finding> {
  if (!redis || !ledger) return skipped('slot', 'needs Redis and PostgreSQL')
  try {
    const store = await createRedisStore({ redis, prefix })
    const slot = await store.outbox.slot()
    await store.close()
    return judgeSlot(slot, await readSlotRow(ledger))
  } catch (error) {
    return wrongBy('slot', error)
  }
}

/** @param slot - what Redis says; null when the slot is missing or closed. @param row - what the ledger says. */
export function judgeSlot(slot: { epoch: number; acked: string } | null, row: SlotRow): Finding {
  const ledgerIsNew = row.epoch === 0 && row.watermark === '0'
  if (!slot) {
    if (ledgerIsNew)
      return warn('slot', 'not opened yet', 'run bursar start: the first worker opens it')
    return wrong(
      'slot',
      `missing or closed in Redis, while the ledger has read it up to ${row.watermark}`,
      'restore the append-only file of Redis: an empty slot would forget what was spent',
    )
  }
  // A new ledger learns the slot's epoch with its first drain.
  if (slot.epoch !== row.epoch && !ledgerIsNew) {
    return wrong(
      'slot',
      `epoch ${slot.epoch} in Redis, ${row.epoch} in the ledger`,
      'point REDIS_URL and DATABASE_URL at stores that belong together',
    )
  }
  return ok('slot', `open, epoch ${slot.epoch}, ledger has read it up to ${row.watermark}`)
}
