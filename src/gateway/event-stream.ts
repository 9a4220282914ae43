import type { AnswerStream } from '../client/stream.ts'
import { waitFor } from './wait-for.ts'

/** One event of an event stream. @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
export interface ServerEvent {
  /** e.g. `job`, `part`, `answer`, `error`. */
  readonly event: string
  readonly data: unknown
  /** What whoever comes back names as the last that they heard; absent = the one before stays. */
  readonly id?: string
}

export interface EventStreamOptions {
  readonly closing: AbortSignal
  /** What a stream ends with, well or not. */
  ending(): Promise<ServerEvent>
  /** What it ends with when the server closes first. */
  cut(): ServerEvent
  /** A comment goes out after this much silence, ms: proxies cut connections that seem dead. */
  readonly heartbeatMs?: number
}

const HEARTBEAT_MS = 15_000
const HEARTBEAT = ': still here\n\n'

// JSON holds no line break, so one line of data is enough.
const write = ({ event, data, id }: ServerEvent): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`

/** Writes a streamed answer as an event stream: `job`, then each `part`, then `answer` or `error`. */
export async function* eventStream(
  job: unknown,
  stream: AnswerStream,
  options: EventStreamOptions,
): AsyncGenerator<string, void> {
  yield write({ event: 'job', data: job })
  yield* writeEvents(partsOf(stream), options)
}

async function* partsOf(stream: AsyncIterable<unknown>): AsyncGenerator<ServerEvent, void> {
  for await (const data of stream) yield { event: 'part', data }
}

/** Writes events as they come, and what they end with: one that breaks off ends like one that is over. */
export async function* writeEvents(
  events: AsyncGenerator<ServerEvent, void>,
  { closing, ending, cut, heartbeatMs = HEARTBEAT_MS }: EventStreamOptions,
): AsyncGenerator<string, void> {
  try {
    for (;;) {
      const next = settled(events.next())
      let turn = await waitFor(next, closing, heartbeatMs)
      while (turn === 'time') {
        yield HEARTBEAT
        turn = await waitFor(next, closing, heartbeatMs)
      }
      if (turn === 'closing') return yield write(cut())
      if (turn.done === 'broken' || turn.done.done) return yield write(await ending())
      yield write(turn.done.value)
    }
  } finally {
    // Whoever left is followed no more. It may wait for an event that never comes: nobody waits for that.
    void events.return().catch(() => {})
  }
}

/** A rejection that waits to be looked at must not end the process. */
const settled = <T>(work: Promise<T>): Promise<T | 'broken'> => work.catch(() => 'broken' as const)
