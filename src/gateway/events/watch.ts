import {
  changedSince,
  crossedSince,
  type EndedRequest,
  endedAfter,
  type LiveCursor,
  liveCursor,
} from '../../ledger/queries/live.ts'
import type { ServerEvent } from '../event-stream.ts'
import type { GatewayRuntime } from '../parts.ts'

const PAGE = 500
/** The ledger is behind the slot by about a second: what ended a moment ago may come into it after something newer. */
const OVERLAP_MS = 3_000
/** Of one look: of more than 5,000 requests within it and the overlap, some are not told. */
const MOST_PAGES = 10
/** More than can end within the overlap and one look. */
const REMEMBERED = 4 * MOST_PAGES * PAGE

/**
 * Looks at what is new; what is late in the ledger is told late, and nothing twice.
 * @returns what happened since the call before; the first call begins. It throws what the ledger and the queues throw.
 */
export function createWatch({
  ledger,
  queues,
}: Pick<GatewayRuntime, 'ledger' | 'queues'>): () => Promise<ServerEvent[]> {
  let cursor: LiveCursor | null = null
  let parked: number | null = null
  const told = new Set<string>()

  function remember(ended: readonly EndedRequest[]): void {
    for (const { job } of ended) told.add(job)
    for (const job of told) {
      if (told.size <= REMEMBERED) break
      told.delete(job)
    }
  }

  async function outcomes(from: LiveCursor): Promise<ServerEvent[]> {
    const { ended, isAll } = await endedFrom(ledger, from.endedAtMs - OVERLAP_MS)
    const fresh = ended.filter(({ job }) => !told.has(job))
    remember(fresh)
    // Whoever cannot keep up goes on with the present: it is a view, and the ledger is the record.
    const lastMs = Math.max(ended.at(-1)?.endedAtMs ?? 0, isAll ? 0 : Date.now())
    cursor = { ...from, endedAtMs: Math.max(from.endedAtMs, lastMs) }
    return fresh.map((data) => ({ event: 'outcome', data }))
  }

  async function begin(): Promise<LiveCursor> {
    const now = await liveCursor(ledger, Date.now())
    // What ended before is no news.
    remember((await endedFrom(ledger, now.endedAtMs - OVERLAP_MS)).ended)
    return now
  }

  async function waiting(): Promise<ServerEvent[]> {
    const delayed = await Promise.all([
      queues.interactive.getDelayedCount(),
      queues.batch.getDelayedCount(),
    ])
    const jobs = delayed[0] + delayed[1]
    const isNews = jobs !== parked
    parked = jobs
    return isNews ? [{ event: 'parked', data: { jobs } }] : []
  }

  return async () => {
    cursor ??= await begin()
    const events = await outcomes(cursor)
    const crossed = await crossedSince(ledger, cursor.threshold, PAGE)
    const changed = await changedSince(ledger, cursor.audit, PAGE)
    const threshold = crossed.at(-1)?.id ?? cursor.threshold
    cursor = { ...cursor, threshold, audit: changed.at(-1)?.id ?? cursor.audit }
    return [
      ...events,
      ...crossed.map((data) => ({ event: 'threshold', data })),
      ...changed.map((data) => ({ event: 'change', data })),
      ...(await waiting()),
    ]
  }
}

/** Requests that ended from an instant on, page by page: a second may see more of them end than one page has. */
async function endedFrom(
  ledger: GatewayRuntime['ledger'],
  fromMs: number,
): Promise<{ readonly ended: readonly EndedRequest[]; readonly isAll: boolean }> {
  const ended: EndedRequest[] = []
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const last = ended.at(-1) ?? { endedAtMs: fromMs, job: '' }
    const more = await endedAfter(ledger, last, PAGE)
    ended.push(...more)
    if (more.length < PAGE) return { ended, isAll: true }
  }
  return { ended, isAll: false }
}
