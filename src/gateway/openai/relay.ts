import type { Answer } from '../../client/answer.ts'
import type { AnswerStream } from '../../client/stream.ts'
import { BursarError } from '../../errors.ts'
import type { StreamPart } from '../../queue/streams/log-entry.ts'
import { waitFor } from '../wait-for.ts'
import { chatChunks, createChatRelay } from './chat-chunks.ts'
import type { OpenAiError } from './errors.ts'
import { responseEvents } from './response-events.ts'

type Json = Readonly<Record<string, unknown>>

/** How an API writes its stream. */
interface Dialect {
  piece(chunk: Json): string
  /** An answer that came in one piece. */
  whole(response: Json): string
  /** What is missing at the end of pieces that were all of it. */
  rest(response: Json): string
  readonly end: string
  error(error: OpenAiError): string
}

/** A streamed answer whose first piece is there: nothing was written before, so a refusal had its HTTP status. */
export interface Relayed {
  readonly stream: Pick<AnswerStream, 'final'>
  readonly parts: AsyncIterator<StreamPart, unknown>
  readonly first: IteratorResult<StreamPart, unknown>
  readonly dialect: Dialect
  /** Aborted when the caller has left; aborting it ends the call. */
  readonly gone: AbortController
  tell(error: unknown): OpenAiError
  /** Headers that are known at the end alone: they follow as comments. */
  after(answer: Answer): Readonly<Record<string, string>>
  readonly heartbeatMs?: number
}

const HEARTBEAT_MS = 15_000
const HEARTBEAT = ': still here\n\n'

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`

/** @see https://platform.openai.com/docs/api-reference/chat-streaming (read 2026-11-21) */
export function chatDialect(includeUsage: boolean): Dialect {
  const relay = createChatRelay(includeUsage)
  return {
    piece(chunk) {
      const seen = relay.relay(chunk)
      return seen === null ? '' : data(seen)
    },
    whole: (response) => chatChunks(response, includeUsage).map(data).join(''),
    rest: (response) => relay.rest(response).map(data).join(''),
    end: 'data: [DONE]\n\n',
    error: (error) => data({ error }),
  }
}

/** @see https://platform.openai.com/docs/api-reference/responses-streaming (read 2026-11-21) */
export function responsesDialect(): Dialect {
  let seen = 0
  const event = (value: Json): string => {
    seen += 1
    return `event: ${String(value.type)}\n${data(value)}`
  }
  return {
    piece: event,
    whole: (response) => responseEvents(response).map(event).join(''),
    rest: () => '',
    end: '',
    error: ({ code, message, param, bursar }) =>
      event({ type: 'error', code, message, param, bursar, sequence_number: seen }),
  }
}

/** Writes an answer as the events of its API: to the end, or to an error that says what became of it. */
export async function* relay(turn: Relayed): AsyncGenerator<string, void> {
  const { dialect, gone, parts, stream } = turn
  let shown = false
  let next = turn.first
  try {
    while (!next.done) {
      const { data: piece, restart } = next.value
      if (restart && shown) throw startedOver()
      if (piece) {
        const text = isWhole(piece) ? dialect.whole(piece) : dialect.piece(piece)
        shown = true
        if (text !== '') yield text
      }
      const step = parts.next()
      step.catch(() => {})
      for (;;) {
        const waited = await waitFor(step, gone.signal, turn.heartbeatMs ?? HEARTBEAT_MS)
        if (waited === 'closing') return
        if (waited !== 'time') {
          next = waited.done
          break
        }
        yield HEARTBEAT
      }
    }
    const answer = await stream.final
    yield dialect.rest(answer.response as Json) + comments(turn.after(answer)) + dialect.end
  } catch (error) {
    yield dialect.error(turn.tell(error))
    // What it would still make nobody can be shown.
    gone.abort()
  } finally {
    await parts.return?.().catch(() => {})
  }
}

const WHOLE: readonly unknown[] = ['chat.completion', 'response']
/** Whether a piece is the answer itself, not a part of it. */
export const isWhole = (piece: Json | null): boolean =>
  piece !== null && WHOLE.includes(piece.object)

const comments = (headers: Readonly<Record<string, string>>): string => {
  const lines = Object.entries(headers).map(([name, value]) => `: ${name}: ${value}\n`)
  return lines.length > 0 ? `${lines.join('')}\n` : ''
}

/** An event stream cannot take back what it has sent. */
const startedOver = (): BursarError =>
  new BursarError(
    'PROVIDER_OUTCOME_UNKNOWN',
    'the answer broke off: what came of it is all there is; send the request again',
    { retryable: true },
  )
