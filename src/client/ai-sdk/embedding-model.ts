import type { EmbeddingModelV3 } from '@ai-sdk/provider'
import { isJson, unreadable } from '../http/read-reply.ts'
import type { EmbeddingsRequest } from '../types.ts'
import { receiptOf } from './chat-answer.ts'
import { apiError } from './errors.ts'
import { governed, type ModelParts, PROVIDER } from './settings.ts'

/** https://platform.openai.com/docs/api-reference/embeddings: texts of one request. */
const MOST_TEXTS = 2_048

/** A model of the AI SDK that makes vectors of texts. */
export function embeddingModel(parts: ModelParts): EmbeddingModelV3 {
  const { client, modelId, url } = parts
  return {
    specificationVersion: 'v3',
    provider: PROVIDER,
    modelId,
    maxEmbeddingsPerCall: MOST_TEXTS,
    supportsParallelCalls: true,
    async doEmbed({ values, abortSignal, providerOptions }) {
      const request: EmbeddingsRequest = {
        ...governed(parts, providerOptions?.[PROVIDER]),
        operation: 'embeddings',
        input: values,
        encoding_format: 'float',
      }
      try {
        const answer = await client.run(request, abortSignal ? { signal: abortSignal } : {})
        const { receipt, response } = answer
        return {
          embeddings: vectorsIn(response),
          ...(receipt.usage && { usage: { tokens: receipt.usage.inputTokens } }),
          providerMetadata: receiptOf(answer),
          response: { body: response },
          warnings: [],
        }
      } catch (error) {
        throw apiError(error, url, request, abortSignal)
      }
    },
  }
}

/** @throws {BursarError} UNREADABLE_REPLY. */
function vectorsIn(response: unknown): number[][] {
  if (!isJson(response) || !Array.isArray(response.data)) throw unreadable('vectors')
  return response.data.map((one: unknown) => {
    const vector = isJson(one) ? one.embedding : undefined
    if (!Array.isArray(vector)) throw unreadable('vectors')
    return vector.map(Number)
  })
}
