import { BursarError, isBursarError } from '../../errors.ts'
import type { RateLimit } from '../../queue/receipt.ts'
import { createLimits } from './limits.ts'
import { isJson, type Json, parseJson, readError, unreadable } from './read-reply.ts'
import { readLimits, withLimits } from './told-limits.ts'
import { type HttpReply, type HttpRequest, type Transport, unavailable } from './transport.ts'

export interface Question extends Pick<HttpRequest, 'method' | 'path' | 'body'> {
  readonly signal?: AbortSignal | undefined
  /** How long the gateway may stay silent, ms. */
  readonly limitMs: number
}

/** `ended` = the request has ended with this error; otherwise nobody could look, and asking again may help. */
export type Told =
  | { readonly ok: true; readonly json: Json; readonly rateLimit: RateLimit | null }
  | { readonly ok: false; readonly error: BursarError; readonly ended: boolean }

/** Told of the tightest limit of requests, where one applies. */
export type OnLimit = (limit: RateLimit) => void

/** Questions to one gateway. */
export interface HttpLink {
  /** Asks, and reads the reply as JSON. Rejects with the reason of `signal`, and with nothing else. */
  ask(question: Question): Promise<Told>
  /**
   * Asks, and hands over the bytes of an event stream as they come.
   * @throws {BursarError} what the gateway answered instead; GATEWAY_UNAVAILABLE, at any byte.
   */
  listen(question: Question, onLimit?: OnLimit): AsyncGenerator<Uint8Array, void>
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

  async function readWhole(reply: HttpReply): Promise<Told> {
    const { status, body } = reply
    const json = parseJson(await textOf(body))
    const limits = readLimits(reply, Date.now())
    const told = status >= 400 ? readError(json, status) : null
    if (told) return { ok: false, ended: told.ended, error: withLimits(told.error, limits) }
    if (status < 300 && isJson(json)) return { ok: true, json, rateLimit: limits.rateLimit }
    const error = NOT_THERE.has(status)
      ? unavailable(address, `HTTP ${status}`)
      : unreadable(`JSON (HTTP ${status})`)
    return { ok: false, error: withLimits(error, limits), ended: false }
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
    async *listen(question, onLimit) {
      const { signal, touch, release } = limitsOf(question)
      try {
        const reply = await send(question, signal)
        const type = reply.header('content-type') ?? ''
        if (!type.startsWith('text/event-stream')) throw await instead(reply)
        const { rateLimit } = readLimits(reply, Date.now())
        if (rateLimit) onLimit?.(rateLimit)
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
