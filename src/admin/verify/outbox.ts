import type { Outbox, OutboxEntry, PostingEntry } from '../../admission/outbox.ts'
import type { Nano } from '../../money/nano.ts'

const PAGE_ENTRIES = 1_000

/** Every entry after an id, oldest first, one page in memory at a time. */
export async function* outboxAfter(
  outbox: Pick<Outbox, 'read'>,
  afterId: string,
): AsyncGenerator<OutboxEntry, void> {
  for (let from = afterId; ; ) {
    const page = await outbox.read(from, PAGE_ENTRIES)
    yield* page
    const last = page.at(-1)
    if (!last || page.length < PAGE_ENTRIES) return
    from = last.id
  }
}

/** What moved in some windows after an id. */
export interface Moved {
  /** window -> nano-USD; only the windows that were asked for and that moved. */
  readonly nano: ReadonlyMap<string, Nano>
  /** Id of the last entry, `afterId` when there is none. */
  readonly lastId: string
}

export async function movedAfter(
  outbox: Pick<Outbox, 'read'>,
  afterId: string,
  windows: ReadonlySet<string>,
): Promise<Moved> {
  const nano = new Map<string, Nano>()
  let lastId = afterId
  for await (const entry of outboxAfter(outbox, afterId)) {
    lastId = entry.id
    if (entry.type !== 'posting') continue
    for (const key of entry.windows) {
      if (windows.has(key)) nano.set(key, (nano.get(key) ?? 0) + entry.deltaNano)
    }
  }
  return { nano, lastId }
}

/** What the ledger has not read yet. */
export interface Waiting {
  readonly entries: number
  readonly postings: number
  /** Sum of the postings, nano-USD; may be negative. */
  readonly nano: Nano
}

export async function countWaiting(
  outbox: Pick<Outbox, 'read'>,
  watermark: string,
): Promise<Waiting> {
  const waiting = { entries: 0, postings: 0, nano: 0 }
  for await (const entry of outboxAfter(outbox, watermark)) {
    waiting.entries += 1
    if (entry.type !== 'posting') continue
    waiting.postings += 1
    waiting.nano += entry.deltaNano
  }
  return waiting
}

/** The newest posting that waits for each of these attempts; absent = none does. */
export async function waitingPostings(
  outbox: Pick<Outbox, 'read'>,
  watermark: string,
  attempts: ReadonlySet<string>,
): Promise<ReadonlyMap<string, PostingEntry>> {
  const newest = new Map<string, PostingEntry>()
  for await (const entry of outboxAfter(outbox, watermark)) {
    if (entry.type === 'posting' && attempts.has(entry.attempt)) newest.set(entry.attempt, entry)
  }
  return newest
}
