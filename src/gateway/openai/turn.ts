import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { StreamPart } from '../../queue/streams/log-entry.ts'
import { nameError } from '../error-reply.ts'
import type { GatewayParts } from '../parts.ts'
import { noteError } from '../watch-requests.ts'
import { headerText, type Known, knownHeaders, receiptHeaders } from './answer-headers.ts'
import type { Claimed } from './claimed.ts'
import { type OpenAiErrorReply, openAiError } from './errors.ts'
import type { OpenAiRequest } from './read-request.ts'
import { chatDialect, isWhole, relay, responsesDialect } from './relay.ts'

/** One request on its way to an answer. */
export interface Turn {
  readonly reply: FastifyReply
  readonly parts: GatewayParts
  readonly request: OpenAiRequest
  readonly claim: Claimed
  readonly known: Known
  /** Aborted when the caller has left. */
  readonly gone: AbortController
}

/** As long as OpenAI's clients wait. */
const LONGEST_WAIT_MS = 600_000

/** Tells when the caller has closed the connection before it was answered. */
export function leaving({ raw }: FastifyReply): AbortController {
  const gone = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) gone.abort()
  })
  return gone
}

/** Answers a request: whole or as an event stream, or with an error in OpenAI's shape. */
export async function answerTurn(turn: Turn): Promise<FastifyReply> {
  try {
    return await (turn.request.stream ? streamed(turn) : whole(turn))
  } catch (error) {
    await turn.claim.failed()
    return sendFailure(error, turn.reply, turn.parts, turn.known)
  }
}

/** Sends an error, with what is known of the request. */
export function sendFailure(
  thrown: unknown,
  reply: FastifyReply,
  parts: GatewayParts,
  known?: Known,
): FastifyReply {
  const { status, headers, body } = failureOf(thrown, reply, parts)
  return reply
    .code(status)
    .headers({ ...(known && knownHeaders(known, Date.now())), ...headers })
    .send(body)
}

function failureOf(
  thrown: unknown,
  reply: FastifyReply,
  { runtime }: GatewayParts,
): OpenAiErrorReply {
  const error = nameError(thrown, reply.request.id)
  noteError(reply.request, error.code)
  if (error.code === 'UNEXPECTED') reply.log.error({ err: thrown }, 'a request broke')
  return openAiError(error, runtime.rules.current().policy, Date.now())
}

async function whole(turn: Turn): Promise<FastifyReply> {
  const { parts, known, claim, reply } = turn
  const { response, receipt } = await parts.client.run(claim.asked, watched(turn))
  return reply
    .headers({ ...knownHeaders(known, Date.now()), ...receiptHeaders(receipt) })
    .send(response)
}

async function streamed(turn: Turn): Promise<FastifyReply> {
  const { parts: bursar, request, known, claim, reply, gone } = turn
  const stream = bursar.client.stream(claim.asked, watched(turn))
  const parts = stream[Symbol.asyncIterator]()
  // Until a piece is there nothing is written: a refusal still has its HTTP status.
  const first = await parts.next()
  const isAtOnce = first.done || isWhole(first.value.data)
  const told = isAtOnce ? receiptHeaders((await stream.final).receipt) : servedHeader(first.value)
  const events = relay({
    ...{ stream, parts, first, gone },
    dialect:
      request.operation === 'responses' ? responsesDialect() : chatDialect(request.includeUsage),
    tell(error) {
      void turn.claim.failed()
      return failureOf(error, reply, bursar).body.error
    },
    after: ({ receipt }) => (isAtOnce ? {} : receiptHeaders(receipt)),
  })
  return reply
    .headers({ ...knownHeaders(known, Date.now()), ...told, ...STREAM_HEADERS })
    .type('text/event-stream; charset=utf-8')
    .send(Readable.from(events))
}

const STREAM_HEADERS = { 'cache-control': 'no-store', 'x-accel-buffering': 'no' }

/** What a stream cost, and where it came from, is known at its end. */
function servedHeader({ data }: StreamPart): Readonly<Record<string, string>> {
  const { model, response } = data ?? {}
  const named = model ?? (response as { model?: unknown } | undefined)?.model
  return typeof named === 'string' ? { 'x-bursar-model-served': headerText(named) } : {}
}

/** Who leaves ends the call; not so who said how to find it again, and who need not wait. */
const watched = ({ request, known, claim, gone }: Turn) => ({
  timeoutMs: LONGEST_WAIT_MS,
  ...(request.interactive && claim.jobId === null && { signal: gone.signal }),
  onJob(jobId: string) {
    known.jobId = jobId
  },
  onLimits(limits: Known['limits']) {
    known.limits = limits
  },
})
