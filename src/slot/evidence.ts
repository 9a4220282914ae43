import type { Redis } from 'ioredis'
import { z } from 'zod'
import { slotKeys } from '../admission/keys.ts'
import { compareOutboxIds } from '../admission/outbox.ts'
import { askNow } from '../admission/redis/ask.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { readSlotRow } from '../ledger/slot-row.ts'
import type { Book } from './book.ts'
import type { OpenSlot } from './look.ts'
import { newestEntry } from './newest-entry.ts'

/** Of what this process owes so many are looked for: enough, for what was lost was lost together. */
const MOST_LOOKED_FOR = 1_000

/**
 * What speaks against a server that says it has everything: an older file may have been put in its place.
 * @returns null when nothing does, also while the ledger cannot be asked.
 * @throws {BursarError} STORE_UNAVAILABLE.
 */
export async function evidenceAgainst(
  slot: OpenSlot,
  { redis, prefix, ledger, book }: { redis: Redis; prefix: string; ledger: Ledger; book: Book },
): Promise<string | null> {
  const row = await readSlotRow(ledger).catch(() => null)
  if (row !== null) {
    if (row.epoch > slot.epoch) return `the ledger is of a later life (${row.epoch})`
    const newest = (await newestEntry({ redis, prefix })) ?? '0'
    const isAhead = row.epoch === slot.epoch && compareOutboxIds(row.watermark, newest) > 0
    if (isAhead) return 'the ledger has read more than its outbox has'
  }
  return (await lacksOwed(redis, prefix, book)) ? 'it lacks attempts that it had granted' : null
}

async function lacksOwed(redis: Redis, prefix: string, book: Book): Promise<boolean> {
  const { attempt } = slotKeys(prefix)
  const keys = book.attempts().slice(-MOST_LOOKED_FOR).map(attempt)
  if (keys.length === 0) return false
  return z.int().parse(await askNow(redis, 'exists', keys)) < keys.length
}
