import type { ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Fault } from './faults.ts'
import { ApiError, sendJson } from './http.ts'
import type { Prepared } from './prepared.ts'
import type { Tokens } from './prices.ts'
import type { State } from './state.ts'

/** One call on its way out. */
export interface Delivery {
  readonly state: State
  readonly res: ServerResponse
  readonly prepared: Prepared
  readonly fault: Fault | null
  readonly attempt: string
}

/** The model breaks off when work was done: on the bill all the same. */
const LATE = new ApiError(500, 'The model produced an error after it had begun.', {
  type: 'server_error',
})
const STALL_MS = 300_000
const SHORT_WAIT_MS = 50

/** The faults that answer instead of the model. @throws {ApiError} for those; others pass. */
export function strike(fault: Fault | null): void {
  const slow = { type: 'rate_limit_error', code: 'rate_limit_exceeded' }
  switch (fault) {
    case '401':
      throw new ApiError(401, 'Incorrect API key provided: sk-proj-********************7Qx2.', {
        code: 'invalid_api_key',
      })
    case '429':
      throw new ApiError(429, 'Rate limit reached for requests.', slow)
    case '429-retry-after':
      throw new ApiError(429, `Rate limit reached. Please try again in ${SHORT_WAIT_MS}ms.`, {
        ...slow,
        headers: { 'retry-after-ms': String(SHORT_WAIT_MS), 'retry-after': '1' },
      })
    case '429-quota':
      throw new ApiError(
        429,
        'You exceeded your current quota, please check your plan and billing details.',
        {
          type: 'insufficient_quota',
          code: 'insufficient_quota',
        },
      )
    case '500':
      throw new ApiError(500, 'The server had an error while processing your request.', {
        type: 'server_error',
      })
    case 'redirect':
      throw new ApiError(307, 'Moved for a while.', { headers: { location: '/v1/elsewhere' } })
    case '503':
      throw new ApiError(503, 'The engine is currently overloaded, please try again later.', {
        type: 'server_error',
        headers: { 'retry-after': '1' },
      })
  }
}

/** Bills the call, then sends it: nothing leaves that is not on the bill, so that a killed client or sandbox still pays. */
export async function deliver(delivery: Delivery): Promise<void> {
  const { state, res, prepared, fault, attempt } = delivery
  const billsAtEnd = state.abortEndsBill && prepared.isStream && fault === null
  if (!billsAtEnd) state.charge(prepared, { attempt })
  if (fault === 'reset') return void res.destroy()
  if (fault === 'stall') return stall(res)
  if (state.latencyMs > 0) await wait(state.latencyMs)
  if (fault === 'late-error' && !prepared.isStream) throw LATE
  if (fault === 'malformed') return sendJson(res, 200, '{"id":')
  if (!prepared.isStream) return sendWhole(delivery)
  const share = await sendStream(delivery)
  if (billsAtEnd) state.charge(prepared, { attempt, tokens: produced(prepared.tokens, share) })
}

/** Holds the client until it leaves, or 5 minutes. */
async function stall(res: ServerResponse): Promise<void> {
  const left = new AbortController()
  res.once('close', () => left.abort())
  await wait(STALL_MS, undefined, { signal: left.signal, ref: false }).catch(() => {})
  res.destroy()
}

function sendWhole({ res, prepared, fault }: Delivery): void {
  if (fault === 'cut') sendHalf(res, Buffer.from(JSON.stringify(prepared.json())))
  else sendJson(res, 200, prepared.json())
}

function sendHalf(res: ServerResponse, body: Buffer): void {
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
  // The half must be on its way before the socket dies, or the client sees no answer at all.
  res.write(body.subarray(0, body.length / 2), () => res.destroy())
}

/** @returns the share of the stream that was sent before the client left, 1 = all. */
async function sendStream({ state, res, prepared, fault }: Delivery): Promise<number> {
  const all = prepared.events()
  const events = broken(prepared, all, fault)
  const end = () => (fault === 'cut' ? res.destroy() : res.end())
  const delayMs = prepared.chunkDelayMs ?? state.chunkDelayMs
  res.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  })
  if (delayMs === 0) {
    res.write(events.join(''), end)
    return 1
  }
  const left = new AbortController()
  res.once('close', () => left.abort())
  for (const [sent, event] of events.entries()) {
    if (left.signal.aborted) return sent / all.length
    res.write(event)
    await wait(delayMs, undefined, { signal: left.signal }).catch(() => {})
  }
  end()
  return 1
}

/** A stream that is cut ends in the middle; one that fails says so there. */
function broken(
  prepared: Prepared,
  all: readonly string[],
  fault: Fault | null,
): readonly string[] {
  if (fault !== 'cut' && fault !== 'late-error') return all
  const half = all.slice(0, all.length / 2)
  if (fault === 'cut') return half
  const { message, type } = LATE
  const event =
    prepared.kind === 'responses'
      ? `event: error\ndata: ${JSON.stringify({ type: 'error', code: type, message, param: null })}`
      : `data: ${JSON.stringify({ error: { message, type, param: null, code: null } })}`
  return [...half, `${event}\n\n`]
}

/** Thinking comes first and is whole; of the text, the share that was sent. */
const produced = (tokens: Tokens, share: number): Tokens => ({
  ...tokens,
  output: Math.ceil(tokens.output * share),
})
