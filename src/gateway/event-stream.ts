import type { AnswerStream } from '../client/stream.ts'
import { waitFor } from './wait-for.ts'

/** One event of an event stream. @see https://html.spec.whatwg.org/multipage/server-sent-events.html */
export interface ServerEvent {
  readonly event: 'job' | 'part' | 'answer' | 'error'
  readonly data: unknown
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
const write = ({ event, data }: ServerEvent): string =>
  `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`

/** Writes a streamed answer as an event stream: `job`, then each `part`, then `answer` or `error`. */
export async function* eventStream(
  job: unknown,
  stream: AnswerStream,
  { closing, ending, cut, heartbeatMs = HEARTBEAT_MS }: EventStreamOptions,
): AsyncGenerator<string, void> {
  yield write({ event: 'job', data: job })
  const parts = stream[Symbol.asyncIterator]()
  for (;;) {
    const next = settled(parts.next())
    let turn = await waitFor(next, closing, heartbeatMs)
    while (turn === 'time') {
      yield HEARTBEAT
      turn = await waitFor(next, closing, heartbeatMs)
    }
    if (turn === 'closing') return yield write(cut())
    // A log that broke off ends like the request itself, which is asked for below.
    if (turn.done === 'broken' || turn.done.done) return yield write(await ending())
    yield write({ event: 'part', data: turn.done.value })
  }
}

/** A rejection that waits to be looked at must not end the process. */
const settled = <T>(work: Promise<T>): Promise<T | 'broken'> => work.catch(() => 'broken' as const)
