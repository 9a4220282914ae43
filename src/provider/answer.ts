import { z } from 'zod'
import type { Operation } from '../config/operations.ts'
import type { ServiceTier } from '../config/policy-types.ts'
import { sentText } from './thin-response.ts'
import type { Send } from './transport.ts'
import type { CallOutcome, ProviderRequest, UpstreamError } from './types.ts'
import { readUsage } from './usage.ts'

export type Json = Readonly<Record<string, unknown>>

// Untouched and uncopied: it is passed on as it came.
const Body = z.custom<Json>((raw) => typeof raw === 'object' && raw !== null && !Array.isArray(raw))

const Answer = z.object({
  model: z.string().nullish().catch(null),
  service_tier: z.string().nullish().catch(null),
  status: z.string().nullish().catch(null),
  usage: z.unknown().optional(),
})

const ChatText = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullish() }) })),
})

const ResponseText = z.object({
  output: z.array(
    z.object({
      content: z.array(z.object({ type: z.string(), text: z.string().optional() })).optional(),
    }),
  ),
})

/** What was seen of a stream before its end: a note beside the booking, or the booking itself. */
export interface Seen {
  readonly text: string
  readonly outputTokens: number
}
export const NOTHING_SEEN: Seen = { text: '', outputTokens: 0 }

/** A call whose bill nobody knows: the whole hold is booked. */
export function unknownOutcome(
  reason: Extract<CallOutcome, { seen: 'unknown' }>['reason'],
  message: string,
  more: {
    status?: number | null
    seen?: Seen
    retryable?: boolean
    upstream?: UpstreamError
  } = {},
): CallOutcome {
  return {
    seen: 'unknown',
    reason,
    status: more.status ?? null,
    message,
    streamedOutputTokens: more.seen?.outputTokens ?? 0,
    retryable: more.retryable ?? true,
    ...(more.upstream && { upstream: more.upstream }),
  }
}

/** Reads a complete answer. Without usage that adds up it is no answer to settle on. */
export function answerOutcome(
  request: ProviderRequest,
  raw: unknown,
  send: Send,
  seen: Seen,
): CallOutcome {
  const more = { status: send.status, seen }
  const response = Body.safeParse(raw).data
  const answer = Answer.safeParse(raw).data
  if (!response || !answer)
    return unknownOutcome('missing-usage', 'the provider answered with no JSON object', more)
  if (request.operation === 'responses' && answer.status === 'failed')
    return unknownOutcome('error-response', failureOf(response), more)
  const usage = readUsage(request.operation, answer.usage)
  if (usage === null)
    return unknownOutcome('missing-usage', 'the answer carries no usage that adds up', more)
  return {
    seen: 'answer',
    response,
    json: sentText(response) ?? JSON.stringify(response),
    get text() {
      return textOf(request.operation, response)
    },
    usage,
    servedModel: answer.model ?? request.model,
    serviceTier: tierOf(answer.service_tier, request.serviceTier),
    providerRequestId: send.requestId,
  }
}

/** Visible text; '' when there is none. The first choice speaks for a chat completion. */
function textOf(operation: Operation, response: Json): string {
  if (operation === 'chat.completions')
    return ChatText.safeParse(response).data?.choices[0]?.message.content ?? ''
  if (operation === 'embeddings') return ''
  const output = ResponseText.safeParse(response).data?.output ?? []
  return output
    .flatMap((item) => item.content ?? [])
    .map((part) => (part.type === 'output_text' ? (part.text ?? '') : ''))
    .join('')
}

const Failure = z.object({ error: z.object({ message: z.string() }) })

const failureOf = (response: Json): string =>
  Failure.safeParse(response).data?.error.message ?? 'the response failed'

/** Silence means what was asked for; a name that has no price of its own is list price. */
function tierOf(served: string | null | undefined, asked: ServiceTier | null): ServiceTier {
  if (served === null || served === undefined) return asked ?? 'default'
  return served === 'flex' || served === 'priority' ? served : 'default'
}
