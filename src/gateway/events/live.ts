import { messageOf } from '../../errors.ts'
import {
  changedSince,
  crossedSince,
  endedSince,
  type LiveCursor,
  liveCursor,
} from '../../ledger/queries/live.ts'
import type { ServerEvent } from '../event-stream.ts'
import type { GatewayRuntime } from '../parts.ts'
import { createInbox, type Inbox } from './inbox.ts'

const LOOK_EVERY_MS = 1_000
const PAGE = 500
/** The ledger is behind the slot by about a second: what ended a moment ago may come into it after something newer. */
const OVERLAP_MS = 3_000
/** More than can end within the overlap and one page. */
const REMEMBERED = 5_000

/** What happens, for whoever watches; it is a view, and the ledger is the record. */
export interface LiveEvents {
  /** Begins now. @returns events, and how to leave. */
  listen(): Inbox
  close(): void
}

type LiveParts = Pick<GatewayRuntime, 'ledger' | 'queues' | 'logger'>

/**
 * Looks once a second at what is new, however many listen, and not at all while nobody does: `outcome` of requests,
 * `threshold` of budgets, `change` by operators and policy files, and `parked`, how much work waits.
 */
export function createLiveEvents(parts: LiveParts): LiveEvents {
  const listeners = new Set<Inbox>()
  let timer: NodeJS.Timeout | undefined
  let watch = createWatch(parts)
  let looking = false
  /** What somebody who comes now hears first; null = nobody has looked. */
  let parked: ServerEvent | null = null

  async function look(): Promise<void> {
    if (looking) return
    looking = true
    try {
      for (const event of await watch()) {
        if (event.event === 'parked') parked = event
        for (const one of listeners) one.put(event)
      }
    } catch (error) {
      parts.logger.debug({ reason: messageOf(error) }, 'live events wait for the ledger')
    } finally {
      looking = false
    }
  }

  function leave(inbox: Inbox): void {
    listeners.delete(inbox)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  return {
    listen() {
      const inbox = createInbox()
      if (listeners.size === 0) {
        watch = createWatch(parts)
        parked = null
        void look()
        timer = setInterval(() => void look(), LOOK_EVERY_MS).unref()
      }
      if (parked) inbox.put(parked)
      listeners.add(inbox)
      const close = () => {
        inbox.close()
        leave(inbox)
      }
      return { ...inbox, close }
    },
    close() {
      for (const inbox of listeners) inbox.close()
      listeners.clear()
      clearInterval(timer)
    },
  }
}

/** @returns what is new since the call before; the first one begins. */
function createWatch({ ledger, queues }: LiveParts): () => Promise<ServerEvent[]> {
  let cursor: LiveCursor | null = null
  let parked: number | null = null
  const told = new Set<string>()

  async function outcomes(from: LiveCursor): Promise<ServerEvent[]> {
    const ended = await endedSince(ledger, from.endedAtMs - OVERLAP_MS, PAGE)
    const fresh = ended.filter(({ job }) => !told.has(job))
    for (const { job } of fresh) told.add(job)
    for (const job of told) {
      if (told.size <= REMEMBERED) break
      told.delete(job)
    }
    const last = ended.at(-1)
    if (last) cursor = { ...from, endedAtMs: Math.max(from.endedAtMs, last.endedAtMs) }
    return fresh.map((data) => ({ event: 'outcome', data }))
  }

  return async () => {
    if (!cursor) {
      cursor = await liveCursor(ledger, Date.now())
      // What ended before is no news.
      for (const { job } of await endedSince(ledger, cursor.endedAtMs - OVERLAP_MS, PAGE)) {
        told.add(job)
      }
    }
    const events = await outcomes(cursor)
    const crossed = await crossedSince(ledger, cursor.threshold, PAGE)
    const changed = await changedSince(ledger, cursor.audit, PAGE)
    const threshold = crossed.at(-1)?.id ?? cursor.threshold
    cursor = { ...cursor, threshold, audit: changed.at(-1)?.id ?? cursor.audit }
    const delayed = await Promise.all([
      queues.interactive.getDelayedCount(),
      queues.batch.getDelayedCount(),
    ])
    const waiting = delayed[0] + delayed[1]
    const isNews = waiting !== parked
    parked = waiting
    return [
      ...events,
      ...crossed.map((data) => ({ event: 'threshold', data })),
      ...changed.map((data) => ({ event: 'change', data })),
      ...(isNews ? [{ event: 'parked', data: { jobs: waiting } }] : []),
    ]
  }
}
