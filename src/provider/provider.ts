import type OpenAI from 'openai'
import type { Hold } from '../admission/hold.ts'
import type { ProviderPolicy } from '../config/policy-types.ts'
import { BursarError, messageOf } from '../errors.ts'
import { answerOutcome, NOTHING_SEEN, type Seen, unknownOutcome } from './answer.ts'
import { createChatReader } from './chat-stream.ts'
import { createClients } from './clients.ts'
import { decodeVectors } from './embedding-vectors.ts'
import { failureOutcome } from './failure.ts'
import { asksForUsage, bodyOf, PATHS } from './request-body.ts'
import { createResponsesReader } from './responses-stream.ts'
import type { StreamReader } from './stream-reader.ts'
import { ATTEMPT_HEADER, createTransport, type Send } from './transport.ts'
import type { CallOptions, CallOutcome, Provider, ProviderRequest } from './types.ts'

type Providers = Readonly<Record<string, ProviderPolicy>>

export interface ProviderConfig {
  /** By name; a function is asked at every call, so that a reloaded policy holds at once. */
  readonly providers: Providers | (() => Providers)
  /** Counts what was seen of a stream that ended early; without it, one token per 3 bytes, which is rather too many. */
  readonly countTokens?: (text: string) => number
}

/** One call under way. */
interface Call {
  readonly client: OpenAI
  readonly policy: ProviderPolicy
  readonly request: ProviderRequest
  readonly options: CallOptions
  readonly send: Send
  /** Starts the silence allowed anew. */
  readonly heard: () => void
}

const BYTES_PER_TOKEN = 3
const countByBytes = (text: string): number => Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN)

/**
 * Calls OpenAI-compatible providers through the `openai` SDK: one send per hold, and every end of a call is an outcome.
 * `timeoutMs` of the policy bounds a whole call, or the silence between two chunks of a stream.
 * When an outcome is `unknown` and `hold.sent` is still false, not a byte left this process.
 */
export function createProvider(config: ProviderConfig): Provider {
  const { providers, countTokens = countByBytes } = config
  const transport = createTransport()
  const clientOf = createClients(transport.fetch)
  const policyOf = (name: string): ProviderPolicy => {
    const policy = (typeof providers === 'function' ? providers() : providers)[name]
    if (policy) return policy
    throw new BursarError('INVALID_POLICY', `no provider "${name}": add it under "providers"`)
  }
  return {
    async call(hold, request, options = {}) {
      const policy = policyOf(request.provider)
      const send = transport.open(hold)
      const clock = setTimeout(() => send.stop('timeout'), policy.timeoutMs)
      const leave = () => send.stop('aborted')
      options.signal?.addEventListener('abort', leave, { once: true })
      if (options.signal?.aborted) leave()
      const heard = () => void clock.refresh()
      try {
        const call = { client: clientOf(policy), policy, request, options, send, heard }
        return await (isStream(request) ? stream(call, countTokens) : whole(call))
      } finally {
        clearTimeout(clock)
        options.signal?.removeEventListener('abort', leave)
        transport.finish(send)
      }
    },
    close: () => transport.close(),
  }
}

/** Embeddings come in one piece, whatever was asked. */
const isStream = ({ stream, operation }: ProviderRequest): boolean =>
  stream && operation !== 'embeddings'

const post = <T>({ client, request, send }: Call) =>
  client.post<T>(PATHS[request.operation], {
    body: bodyOf(request),
    stream: isStream(request),
    headers: headersOf(send.hold),
  })

const headersOf = ({ attemptId }: Hold) => ({
  [ATTEMPT_HEADER]: attemptId,
  'idempotency-key': attemptId,
})

async function whole(call: Call): Promise<CallOutcome> {
  const { request, send } = call
  let answer: unknown
  try {
    answer = await post<unknown>(call)
  } catch (error) {
    return failed(call, error, NOTHING_SEEN)
  }
  const readable = request.operation === 'embeddings' ? decodeVectors(request.body, answer) : answer
  return answerOutcome(request, readable, send, NOTHING_SEEN)
}

async function stream(call: Call, countTokens: (text: string) => number): Promise<CallOutcome> {
  const { request, send } = call
  const reader = readerOf(request)
  const seen = (): Seen => ({ text: reader.text, outputTokens: countTokens(reader.output) })
  try {
    await relay(call, reader)
  } catch (error) {
    return failed(call, error, seen())
  }
  const answer = reader.result()
  if (answer !== null) return answerOutcome(request, answer, send, seen())
  const more = { status: send.status, seen: seen() }
  if (reader.failure !== null) return unknownOutcome('error-response', reader.failure, more)
  return unknownOutcome('cut-stream', 'the stream ended before the answer did', more)
}

const readerOf = (request: ProviderRequest): StreamReader =>
  request.operation === 'responses'
    ? createResponsesReader()
    : createChatReader(asksForUsage(request.body))

/** Hands on each event as it comes. @throws {Error} the stream broke, or we left it. */
async function relay(call: Call, reader: StreamReader): Promise<void> {
  const { send, options } = call
  const events = await post<AsyncIterable<Record<string, unknown>>>(call)
  for await (const event of events) {
    if (send.stopped !== null) break
    call.heard()
    const chunk = reader.add(event)
    if (chunk) options.onChunk?.(chunk)
  }
  if (send.stopped !== null) throw new Error(send.stopped)
}

function failed({ send, policy, request }: Call, error: unknown, seen: Seen): CallOutcome {
  if (send.refusal !== null) throw send.refusal
  if (!send.dispatched)
    throw new BursarError('INVALID_REQUEST', `cannot be sent: ${messageOf(error)}`, {
      cause: error,
    })
  return failureOutcome(error, send, seen, { profile: policy.profile, stream: isStream(request) })
}
