import { sql } from 'drizzle-orm'
import { packSlot } from '../admission/redis/pack-slot.ts'
import type { SlotRestorer } from '../admission/redis/restore.ts'
import { policyFromJson } from '../config/policy-json.ts'
import { type Ledger, run } from '../ledger/ledger.ts'
import { readPolicy } from '../ledger/policies.ts'
import type { WindowSums } from '../ledger/queries/window-sums.ts'
import type { PolicyShelf } from '../queue/published-policy.ts'
import { copyHistory, differ } from './history.ts'
import { moveJobs } from './jobs.ts'
import type { Source } from './source.ts'
import type { ClaimedTarget, Target } from './target.ts'
import type { Ticker } from './types.ts'
import { compareWindows } from './windows.ts'

export interface Fill {
  readonly source: Source
  readonly target: Target
  readonly claimed: ClaimedTarget
  /** Life that the slot begins with. */
  readonly epoch: number
  readonly ticker: Ticker
  /** Rows and jobs that one step carries; absent = what is quick. */
  readonly page?: number
}

/**
 * Fills a claimed target and opens it. Every step may be done again, and is when one before it was cut off.
 *
 * The slot opens last, after the jobs: a worker that runs there already finds it closed, takes no money and calls
 * nobody; a job that it took comes back a second later.
 */
export async function fill({ source, target, claimed, epoch, ticker, page }: Fill): Promise<void> {
  const { ledger, slot } = claimed
  await copyHistory(source.ledger, ledger, ticker, page)
  await beginLife(ledger, epoch)
  const sums = await compareWindows(ledger, source.state, differ)
  await restoreSlot(source, slot, sums, ticker, page)
  await publishNewest(ledger, target.shelf)
  await moveJobs(source, claimed.queues, target.redis, ticker, page)
  await slot.open()
}

/** The outbox of the new slot is new: the ledger has read nothing of it. */
const beginLife = ({ db }: Ledger, epoch: number): Promise<void> =>
  run(
    db,
    sql`
      insert into slot (id, epoch, watermark) values (1, ${epoch}, '0')
      on conflict (id) do update set epoch = excluded.epoch, watermark = excluded.watermark`,
  )

/** One script stays within a few milliseconds of Redis. */
const BATCH_RECORDS = 64
const BATCH_BYTES = 256 * 1_024

async function restoreSlot(
  { state }: Source,
  slot: SlotRestorer,
  sums: WindowSums,
  ticker: Ticker,
  batchRecords = BATCH_RECORDS,
): Promise<void> {
  const spentNano = (window: string) => sums.get(window)?.spentNano ?? 0
  let batch: Buffer[] = []
  let bytes = 0
  const flush = async () => {
    await slot.restore(batch)
    ticker.tick(batch.length, 'counters, limits and results')
    batch = []
    bytes = 0
  }
  for (const { packed } of packSlot({ state, spentNano, nowMs: Date.now() })) {
    batch.push(packed)
    bytes += packed.length
    if (batch.length >= batchRecords || bytes >= BATCH_BYTES) await flush()
  }
  if (batch.length > 0) await flush()
}

/** Clients there need no policy file; the first worker that starts publishes its own. */
async function publishNewest(ledger: Ledger, shelf: PolicyShelf): Promise<void> {
  const newest = await readPolicy(ledger)
  if (newest) await shelf.publish(policyFromJson(newest.body, newest.version))
}
