import { BursarError, isBursarError } from '../../errors.ts'
import { createLimits } from './limits.ts'
import { isJson, type Json, parseJson, readError, unreadable } from './read-reply.ts'
import { type HttpReply, type HttpRequest, type Transport, unavailable } from './transport.ts'

export interface Question extends Pick<HttpRequest, 'method' | 'path' | 'body'> {
  readonly signal?: AbortSignal | undefined
  /** How long the gateway may stay silent, ms. */
  readonly limitMs: number
}

/** `ended` = the request has ended with this error; otherwise nobody could look, and asking again may help. */
export type Told =
  | { readonly ok: true; readonly json: Json }
  | { readonly ok: false; readonly error: BursarError; readonly ended: boolean }

/** Questions to one gateway. */
export interface HttpLink {
  /** Asks, and reads the reply as JSON. Rejects with the reason of `signal`, and with nothing else. */
  ask(question: Question): Promise<Told>
  /**
   * Asks, and hands over the bytes of an event stream as they come.
   * @throws {BursarError} what the gateway answered instead; GATEWAY_UNAVAILABLE, at any byte.
   */
  listen(question: Question): AsyncGenerator<Uint8Array, void>
  close(): void
}

/** What a proxy answers for a gateway that is not there. */
const NOT_THERE = new Set([502, 503, 504])

/** @param address - for messages. */
export function createHttpLink(
  transport: Transport,
  address: string,
  apiKey: string | undefined,
): HttpLink {
  const closed = new AbortController()

  const limitsOf = ({ signal, limitMs }: Question) =>
    createLimits([closed.signal, signal], limitMs, () =>
      unavailable(address, `silent for ${limitMs} ms`),
    )

  const send = ({ method, path, body }: Question, signal: AbortSignal): Promise<HttpReply> => {
    const headers = {
      accept: 'application/json, text/event-stream',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
    }
    return transport.send({ method, path, ...(body !== undefined && { body }), headers, signal })
  }

  /** Whatever an abort breaks fails in its own words; the reason is what happened. */
  const named = (error: unknown, signal: AbortSignal): unknown => {
    if (signal.aborted) return signal.reason
    return error instanceof BursarError ? error : unavailable(address, error)
  }

  async function readWhole({ status, body }: HttpReply): Promise<Told> {
    const json = parseJson(await textOf(body))
    const told = status >= 400 ? readError(json, status) : null
    if (told) return { ok: false, ...told }
    if (status < 300 && isJson(json)) return { ok: true, json }
    const error = NOT_THERE.has(status)
      ? unavailable(address, `HTTP ${status}`)
      : unreadable(`JSON (HTTP ${status})`)
    return { ok: false, error, ended: false }
  }

  return {
    async ask(question) {
      const { signal, release } = limitsOf(question)
      try {
        return await readWhole(await send(question, signal))
      } catch (thrown) {
        const error = named(thrown, signal)
        if (isBursarError(error)) return { ok: false, error, ended: false }
        throw error
      } finally {
        release()
      }
    },
    async *listen(question) {
      const { signal, touch, release } = limitsOf(question)
      try {
        const reply = await send(question, signal)
        if (!reply.contentType.startsWith('text/event-stream')) throw await instead(reply)
        for await (const chunk of reply.body) {
          touch()
          yield chunk
        }
      } catch (error) {
        throw named(error, signal)
      } finally {
        release()
      }
    },
    close() {
      closed.abort(clientClosed())
      transport.close()
    },
  }

  async function instead(reply: HttpReply): Promise<BursarError> {
    const told = await readWhole(reply)
    return told.ok ? unreadable('event stream') : told.error
  }
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true })
  return text + decoder.decode()
}

const clientClosed = (): BursarError =>
  new BursarError('INVALID_ARGUMENT', 'this client is closed: create another')
