import type { Redis } from 'ioredis'
import { z } from 'zod'
import { slotKeys } from '../admission/keys.ts'
import { compareOutboxIds } from '../admission/outbox.ts'
import { askNow } from '../admission/redis/ask.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { readSlotRow } from '../ledger/slot-row.ts'
import type { OpenSlot } from './look.ts'
import { newestEntry } from './newest-entry.ts'

interface EvidenceParts {
  readonly redis: Redis
  readonly prefix: string
  readonly ledger: Ledger
  /** Ids of attempts that the slot of a life must have, oldest first. */
  readonly granted: (epoch: number) => readonly string[]
}

/** Of what this process owes so many are looked for: enough, for what was lost was lost together. */
const MOST_LOOKED_FOR = 1_000

/**
 * What speaks against a server that says it has everything: an older file may have been put in its place.
 * @returns null when nothing does, also while the ledger cannot be asked.
 * @throws {BursarError} STORE_UNAVAILABLE.
 */
export async function evidenceAgainst(
  slot: OpenSlot,
  { redis, prefix, ledger, granted }: EvidenceParts,
): Promise<string | null> {
  const row = await readSlotRow(ledger).catch(() => null)
  if (row !== null) {
    if (row.epoch > slot.epoch) return `the ledger is of a later life (${row.epoch})`
    const newest = (await newestEntry({ redis, prefix })) ?? '0'
    const isAhead = row.epoch === slot.epoch && compareOutboxIds(row.watermark, newest) > 0
    if (isAhead) return 'the ledger has read more than its outbox has'
  }
  return (await lacksGranted(redis, prefix, granted(slot.epoch)))
    ? 'it lacks attempts that it had granted'
    : null
}

async function lacksGranted(
  redis: Redis,
  prefix: string,
  attempts: readonly string[],
): Promise<boolean> {
  const { attempt } = slotKeys(prefix)
  const keys = attempts.slice(-MOST_LOOKED_FOR).map(attempt)
  if (keys.length === 0) return false
  return z.int().parse(await askNow(redis, 'exists', keys)) < keys.length
}
