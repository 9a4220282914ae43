import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Prepare } from './batches.ts'
import { deliver, strike } from './deliver.ts'
import { type Fault, readFault } from './faults.ts'
import { ApiError, parseJson, readBody } from './http.ts'
import type { State } from './state.ts'

const REQUESTS_PER_MINUTE = 1_000_000

/** Answers one billable call. Its fault is drawn first, so that the sequence of faults depends on nothing else. */
export async function answerCall(
  state: State,
  prepare: Prepare,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const startedAt = performance.now()
  state.requests += 1
  state.inFlight += 1
  try {
    const drawn = state.nextFault()
    const body = parseJson(await readBody(req))
    const fault = faultOf(req, body) ?? drawn
    if (fault) state.faults.set(fault, (state.faults.get(fault) ?? 0) + 1)
    res.setHeader('x-ratelimit-limit-requests', REQUESTS_PER_MINUTE)
    res.setHeader('x-ratelimit-remaining-requests', REQUESTS_PER_MINUTE - state.inFlight)
    res.setHeader('x-ratelimit-reset-requests', '1ms')
    strike(fault)
    const twist = { overbill: fault === 'overbill', omitUsage: fault === 'missing-usage' }
    const prepared = prepare(state.ground(), body, twist)
    const processingMs = performance.now() - startedAt + state.latencyMs
    res.setHeader('openai-processing-ms', Math.ceil(processingMs))
    await deliver({ state, res, prepared, fault, attempt: headerOf(req, 'x-bursar-attempt') })
  } finally {
    state.inFlight -= 1
  }
}

const headerOf = (req: IncomingMessage, name: string): string => {
  const value = req.headers[name]
  return typeof value === 'string' ? value : ''
}

/** The header wins over `metadata.sandbox_fault`. @throws {ApiError} 400 for a fault nobody knows. */
function faultOf(req: IncomingMessage, body: unknown): Fault | null {
  const name = headerOf(req, 'x-sandbox-fault') || wishOf(body)
  if (name === '') return null
  try {
    return readFault(name)
  } catch (error) {
    throw new ApiError(400, error instanceof Error ? error.message : String(error))
  }
}

function wishOf(body: unknown): string {
  if (typeof body !== 'object' || body === null || !('metadata' in body)) return ''
  const { metadata } = body
  if (typeof metadata !== 'object' || metadata === null || !('sandbox_fault' in metadata)) return ''
  return String(metadata.sandbox_fault)
}
