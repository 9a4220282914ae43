import { Agent, type Dispatcher } from 'undici'
import type { Hold } from '../admission/hold.ts'
import { Passing } from '../collections/passing.ts'
import { BursarError } from '../errors.ts'
import { ThinBody, ThinHeaders, ThinResponse } from './thin-response.ts'
import { WireHeaders } from './wire-headers.ts'

/** Carries the attempt id; the sandbox writes it on its bill, and the transport finds the hold by it. */
export const ATTEMPT_HEADER = 'x-bursar-attempt'

export type StopReason = 'timeout' | 'aborted'

const CONNECT_TIMEOUT_MS = 10_000
/** uvicorn, behind many local servers, closes after 5 s without a hint; a request written into that is money unknown. */
const KEEP_ALIVE_MS = 4_000

const MOST_PLACES = 256

/** One HTTP request on its way, paid for by one hold. */
export class Send {
  readonly hold: Hold
  readonly body = new ThinBody()
  /** Why we ended it ourselves; null while we have not. */
  stopped: StopReason | null = null
  /** What `consume` threw: the hold was spent before, and nothing was sent. */
  refusal: unknown = null
  /** True once the SDK handed its request over: what fails before is no fault of the network. */
  dispatched = false
  /** HTTP status; null until the head of an answer is there. */
  status: number | null = null
  requestId: string | null = null
  #controller: Dispatcher.DispatchController | null = null
  #fail: (error: Error) => void = () => {}

  constructor(hold: Hold) {
    this.hold = hold
  }

  /** Ends the call from our side. Only the first reason counts; after the end of the answer nothing happens. */
  stop(reason: StopReason): void {
    if (this.stopped !== null || this.body.ended) return
    this.stopped = reason
    this.cut()
  }

  /** Drops the connection. A request not yet written is never written. */
  cut(): void {
    const error = new Error(this.stopped ?? 'aborted')
    this.#controller?.abort(error)
    this.#fail(error)
    this.body.fail(error)
  }

  /** Writes the request and resolves with the head of the answer. */
  run(agent: Agent, options: Dispatcher.DispatchOptions, url: string): Promise<ThinResponse> {
    this.dispatched = true
    return new Promise((resolve, reject) => {
      this.#fail = reject
      if (this.stopped !== null) return this.cut()
      agent.dispatch(options, {
        onRequestStart: (controller) => this.#begin(controller),
        onResponseStart: (_controller, status, raw) => {
          if (status < 200) return // informational; the answer is still to come
          const headers = new ThinHeaders(raw)
          this.status = status
          this.requestId = headers.get('x-request-id')
          resolve(new ThinResponse(url, status, headers, this.body))
        },
        onResponseData: (_controller, chunk) => this.body.push(chunk),
        onResponseEnd: () => this.body.end(),
        onResponseError: (_controller, error) => {
          reject(error)
          this.body.fail(error)
        },
      })
    })
  }

  /** Runs on an open connection, before the first byte: this is the moment of the send. */
  #begin(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.stopped !== null) {
      controller.abort(new Error(this.stopped))
      return
    }
    try {
      this.hold.consume()
    } catch (error) {
      this.refusal = error
      throw error
    }
  }
}

interface Place {
  readonly origin: string
  readonly path: string
  readonly href: string
}

/** A provider has three addresses. Reading one costs as much as writing the request. */
function createPlaces(): (url: string) => Place {
  const known = new Map<string, Place>()
  return (url) => {
    const found = known.get(url)
    if (found) return found
    const { origin, pathname, search, href } = new URL(url)
    const place = { origin, path: pathname + search, href }
    if (known.size >= MOST_PLACES) known.clear()
    known.set(url, place)
    return place
  }
}

export interface Transport {
  /** Given to the SDK; serves only calls that `open` announced. */
  readonly fetch: typeof globalThis.fetch
  /** @throws {BursarError} HOLD_CONSUMED when the hold was sent, or is on its way in another call. */
  open(hold: Hold): Send
  /** Forgets a call that has ended, and drops its connection if it has not. */
  finish(send: Send): void
  close(): Promise<void>
}

/**
 * HTTP for the SDK at a quarter of the cost of `fetch`: one keep-alive agent, no web streams, no redirects (a redirected
 * POST would be a second send), no retries, and a hold that is consumed at the very write.
 */
export function createTransport(): Transport {
  // The caller's clock rules: it knows the policy, and a stream may be silent for as long as the policy says.
  const agent = new Agent({
    connect: { timeout: CONNECT_TIMEOUT_MS },
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const sends = new Passing<Send>()
  const placeOf = createPlaces()

  async function thinFetch(url: string | URL | Request, init: RequestInit = {}): Promise<Response> {
    const headers = WireHeaders.read(init.headers)
    const send = sends.get(headers[ATTEMPT_HEADER] ?? '')
    if (!send) throw new BursarError('INVALID_ARGUMENT', 'this client sends only governed calls')
    const { origin, path, href } = placeOf(url instanceof Request ? url.url : String(url))
    init.signal?.addEventListener('abort', () => send.cut(), { once: true })
    const body = typeof init.body === 'string' ? init.body : null
    const options = { origin, path, method: 'POST', headers, body } as const
    // The SDK reads status, headers, body, text and json, all of which are there.
    return (await send.run(agent, options, href)) as unknown as Response
  }

  return {
    fetch: thinFetch,
    open(hold) {
      if (hold.sent || sends.has(hold.attemptId))
        throw new BursarError(
          'HOLD_CONSUMED',
          `attempt ${hold.attemptId} was sent before: take a new hold`,
        )
      const send = new Send(hold)
      sends.set(hold.attemptId, send)
      return send
    },
    finish(send) {
      sends.delete(send.hold.attemptId)
      if (!send.body.ended) send.cut()
    },
    close: () => agent.destroy(),
  }
}
