import { z } from 'zod'

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

export const LogEntrySchema = z.object({
  /** Which take of the job wrote it, from 1. */
  a: z.int().min(1),
  /** Number within the take, from 0, without gaps. */
  s: z.int().min(0),
  /** Chunks: visible text, and the provider's own JSON. */
  d: z.array(z.object({ t: z.string(), j: z.custom<Readonly<Record<string, unknown>>>(isRecord) })),
  /** Set on the last entry of a complete answer. */
  e: z.literal(1).optional(),
  /** Set on what tells that the take broke off, and another one follows; `s` says nothing then. */
  x: z.literal(1).optional(),
})
export type LogEntry = z.infer<typeof LogEntrySchema>

/** Written before a job has chunks of its own: this other job is asking the same, and its log is the answer for both. */
const LogJoinSchema = z.object({ w: z.string().min(1) })

/** What stands in a log. */
export const LogLineSchema = z.union([LogEntrySchema, LogJoinSchema])
export type LogLine = z.infer<typeof LogLineSchema>

/** One step of a streamed answer. */
export interface StreamPart {
  /** Visible text, '' when none. */
  readonly text: string
  /** The provider's own chunk; null at a restart. */
  readonly data: Readonly<Record<string, unknown>> | null
  /** The answer starts over: whatever came before this part no longer counts. */
  readonly restart: boolean
}

export const RESTART: StreamPart = { text: '', data: null, restart: true }

/** Follows one log entry by entry: drops what was seen, notices what is missing. Pure. */
export interface LogCursor {
  /** Stream id of the last entry taken, '0' at first. */
  readonly lastId: string
  /** The answer is complete. */
  readonly complete: boolean
  /** Whether nothing is missing between what was taken and this entry. */
  follows(entry: LogEntry): boolean
  take(id: string, entry: LogEntry): StreamPart[]
  /** Goes past what is no part of the answer. */
  pass(id: string): void
}

export function createLogCursor(): LogCursor {
  let lastId = '0'
  let attempt = 0
  let seq = -1
  let complete = false
  /** What was shown is void, and whoever follows knows. */
  let isVoid = true
  const cursor: LogCursor = {
    get lastId() {
      return lastId
    },
    get complete() {
      return complete
    },
    follows: ({ a, s, x }) => x === 1 || a < attempt || (a === attempt ? s <= seq + 1 : s === 0),
    take(id, entry) {
      lastId = id
      const { a, s, d, e, x } = entry
      if (x === 1) return breakOff(a)
      if (a < attempt || (a === attempt && s <= seq)) return []
      const restart = a > attempt && !isVoid
      isVoid = false
      attempt = a
      seq = s
      complete = e === 1
      const parts = d.map(({ t, j }) => ({ text: t, data: j, restart: false }))
      return restart ? [RESTART, ...parts] : parts
    },
    pass(id) {
      lastId = id
    },
  }

  function breakOff(a: number): StreamPart[] {
    if (a < attempt) return []
    const shown = isVoid ? [] : [RESTART]
    isVoid = true
    attempt = a
    // Whatever a worker that lost its job still writes of it comes too late.
    seq = Number.POSITIVE_INFINITY
    return shown
  }

  return cursor
}
