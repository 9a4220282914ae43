import type { Operation } from '../config/operations.ts'
import type { ProviderRequest, RequestBody } from './types.ts'

/** Where each operation lives below the provider's base URL. */
export const PATHS: Readonly<Record<Operation, string>> = {
  'chat.completions': '/chat/completions',
  responses: '/responses',
  embeddings: '/embeddings',
}

const isObject = (value: unknown): value is RequestBody =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** True when the caller wants the usage-only chunk at the end of a chat stream for itself. */
export const asksForUsage = (body: RequestBody): boolean =>
  isObject(body.stream_options) && body.stream_options.include_usage === true

/**
 * The body that is sent: the caller's, with the model, the cap, the effort and the service tier that the hold paid for.
 * Fields unknown to us pass through.
 */
export function bodyOf(request: ProviderRequest): RequestBody {
  switch (request.operation) {
    case 'chat.completions':
      return chatBody(request)
    case 'responses':
      return responsesBody(request)
    case 'embeddings':
      return embeddingsBody(request)
  }
}

function chatBody(request: ProviderRequest): RequestBody {
  const { max_tokens, max_completion_tokens, stream_options, ...rest } = request.body
  const cap = request.outputCapTokens ?? max_completion_tokens ?? max_tokens
  const options = isObject(stream_options) ? stream_options : {}
  return {
    ...withTier(rest, request),
    ...(cap === undefined ? {} : { max_completion_tokens: cap }),
    ...(request.reasoningEffort === null ? {} : { reasoning_effort: request.reasoningEffort }),
    stream: request.stream,
    ...(request.stream ? { stream_options: { ...options, include_usage: true } } : {}),
  }
}

function responsesBody(request: ProviderRequest): RequestBody {
  const { reasoning, max_output_tokens, ...rest } = request.body
  const cap = request.outputCapTokens ?? max_output_tokens
  const asked = isObject(reasoning) ? reasoning : {}
  const thinking =
    request.reasoningEffort === null ? reasoning : { ...asked, effort: request.reasoningEffort }
  return {
    ...withTier(rest, request),
    ...(cap === undefined ? {} : { max_output_tokens: cap }),
    ...(thinking === undefined ? {} : { reasoning: thinking }),
    stream: request.stream,
  }
}

/** Without a format the answer is decoded here, so the shorter one is asked for. */
function embeddingsBody({ body, model }: ProviderRequest): RequestBody {
  return { ...body, model, encoding_format: body.encoding_format ?? 'base64' }
}

/** No dearer than the list price: a hold without a tier paid for no more. */
const WITHIN_LIST_PRICE: readonly unknown[] = ['flex', 'default']

function withTier(body: RequestBody, request: ProviderRequest): RequestBody {
  const { service_tier, ...rest } = body
  const tier =
    request.serviceTier ?? (WITHIN_LIST_PRICE.includes(service_tier) ? service_tier : null)
  return { ...rest, model: request.model, ...(tier === null ? {} : { service_tier: tier }) }
}
