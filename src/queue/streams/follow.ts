import { compareOutboxIds } from '../../admission/outbox.ts'
import {
  createLogCursor,
  type LogCursor,
  type LogLine,
  LogLineSchema,
  type StreamPart,
} from './log-entry.ts'

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

/** A step of the answer, or the job whose answer it will be as long as this one has none of its own. */
export type Line = StreamPart | { readonly join: string }

const PAGE_ENTRIES = 200
/** A caller slower than this reads on from the log instead of from memory. */
const INBOX_ENTRIES = 256

/**
 * Follows the log of a job from its first chunk, whenever one joins: subscribes, then reads what is there, then
 * drops what was seen twice. Reading slowly costs no memory.
 * @param ended - settles when the request has ended; what is in the log by then is read once more.
 * @returns whether the log held the whole answer.
 */
export async function* followLines(
  source: LogSource,
  job: string,
  ended: Promise<unknown>,
): AsyncGenerator<Line, boolean> {
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
        for (const [id, text] of page) {
          const line = readLine(text)
          // What is missing in the log itself was trimmed: the rest alone would be another text.
          if (!isNext(cursor, line)) return false
          yield* takeLine(cursor, id, line)
        }
        if (page.length === PAGE_ENTRIES) behind = true
        continue
      }
      const next = inbox.shift()
      if (next) {
        const [id, line] = [next[0], readLine(next[1])]
        if (compareOutboxIds(id, cursor.lastId) <= 0) continue
        if (isNext(cursor, line)) yield* takeLine(cursor, id, line)
        else behind = true
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

const readLine = (text: string): LogLine => LogLineSchema.parse(JSON.parse(text))

const isNext = (cursor: LogCursor, line: LogLine): boolean => 'w' in line || cursor.follows(line)

function takeLine(cursor: LogCursor, id: string, line: LogLine): readonly Line[] {
  if (!('w' in line)) return cursor.take(id, line)
  cursor.pass(id)
  return [{ join: line.w }]
}

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
