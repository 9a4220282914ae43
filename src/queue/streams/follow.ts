import { compareOutboxIds } from '../../admission/outbox.ts'
import { createLogCursor, type LogCursor, LogEntrySchema, type StreamPart } from './log-entry.ts'

/** Where a log is read from. */
export interface LogSource {
  /** Delivers `(stream id, entry as JSON)` of one job; may miss some. @returns how to stop. */
  subscribe(
    job: string,
    listener: (id: string, entry: string) => void,
  ): Promise<() => Promise<void>>
  /** Entries after `afterId` ('0' = from the start), oldest first, at most `limit`. */
  range(
    job: string,
    afterId: string,
    limit: number,
  ): Promise<readonly (readonly [string, string])[]>
  /** Called after each reconnect, when published entries may have been missed. */
  onReconnect(listener: () => void): () => void
}

const PAGE_ENTRIES = 200
/** A caller slower than this reads on from the log instead of from memory. */
const INBOX_ENTRIES = 256

/**
 * Follows the answer of a job from its first chunk, whenever one joins: subscribes, then reads what is there, then
 * drops what was seen twice. Reading slowly costs no memory.
 * @param ended - settles when the request has ended; what is in the log by then is read once more.
 * @returns whether the log held the whole answer.
 */
export async function* followLog(
  source: LogSource,
  job: string,
  ended: Promise<unknown>,
): AsyncGenerator<StreamPart, boolean> {
  const cursor = createLogCursor()
  const inbox: [id: string, entry: string][] = []
  const bell = createBell()
  // The log is the truth; the inbox only spares reading it. Behind = something may be in the log alone.
  let behind = true
  let over = false
  const fallBehind = () => {
    behind = true
    inbox.length = 0
    bell.ring()
  }
  const stop = await source.subscribe(job, (id, entry) => {
    if (inbox.length >= INBOX_ENTRIES) return fallBehind()
    inbox.push([id, entry])
    bell.ring()
  })
  const forget = source.onReconnect(fallBehind)
  const finish = () => {
    over = true
    fallBehind()
  }
  void ended.then(finish, finish)
  try {
    while (!cursor.complete) {
      if (behind) {
        behind = false
        const page = await source.range(job, cursor.lastId, PAGE_ENTRIES)
        for (const [id, text] of page) yield* takeEntry(cursor, id, text)
        if (page.length === PAGE_ENTRIES) behind = true
        continue
      }
      const next = inbox.shift()
      if (next) {
        if (isNext(cursor, next)) yield* takeEntry(cursor, ...next)
        else if (compareOutboxIds(next[0], cursor.lastId) > 0) behind = true
        continue
      }
      if (over) return false
      await bell.rung()
    }
    return true
  } finally {
    forget()
    await stop()
  }
}

const readEntry = (text: string) => LogEntrySchema.parse(JSON.parse(text))

const isNext = (cursor: LogCursor, [id, text]: [string, string]): boolean =>
  compareOutboxIds(id, cursor.lastId) > 0 && cursor.follows(readEntry(text))

const takeEntry = (cursor: LogCursor, id: string, text: string): StreamPart[] =>
  cursor.take(id, readEntry(text))

/** Wakes one waiter; a ring before the wait is not lost. */
function createBell(): { ring(): void; rung(): Promise<void> } {
  let rang = false
  let wake: (() => void) | null = null
  return {
    ring() {
      rang = true
      wake?.()
    },
    async rung() {
      if (!rang) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      rang = false
      wake = null
    },
  }
}
