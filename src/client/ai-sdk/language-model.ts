import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3StreamPart,
} from '@ai-sdk/provider'
import type { RunOptions } from '../types.ts'
import { asChat, contentOf, finishOf, metadataOf, receiptOf, usageOf } from './chat-answer.ts'
import { chatRequest } from './chat-request.ts'
import { streamParts } from './chat-stream.ts'
import { apiError } from './errors.ts'
import { type ModelParts, PROVIDER } from './settings.ts'

/** A chat model of the AI SDK whose calls are jobs: each has its budget, its place in the queue and its receipt. */
export function languageModel(parts: ModelParts): LanguageModelV3 {
  const { client, modelId, url } = parts
  return {
    specificationVersion: 'v3',
    provider: PROVIDER,
    modelId,
    supportedUrls: { 'image/*': [/^https?:\/\/.*$/] },

    async doGenerate(options) {
      const { request, warnings } = chatRequest(parts, options)
      try {
        const answer = asChat(await client.run(request, runOptions(options)))
        const { response } = answer
        return {
          content: contentOf(answer),
          finishReason: finishOf(response),
          usage: usageOf(response),
          providerMetadata: receiptOf(answer),
          request: { body: request },
          response: { ...metadataOf(response), body: response },
          warnings,
        }
      } catch (error) {
        throw apiError(error, url, request, options.abortSignal)
      }
    },

    async doStream(options) {
      const { request, warnings } = chatRequest(parts, options)
      const named = (error: unknown) => apiError(error, url, request, options.abortSignal)
      const answer = client.stream(request, runOptions(options))
      try {
        // Refused before it began: that is an error of the call, which may be made again.
        await answer.jobId
      } catch (error) {
        throw named(error)
      }
      async function* told(): AsyncGenerator<LanguageModelV3StreamPart, void> {
        yield { type: 'stream-start', warnings }
        try {
          yield* streamParts(answer)
        } catch (error) {
          yield { type: 'error', error: named(error) }
        }
      }
      return { stream: ReadableStream.from(told()), request: { body: request } }
    },
  }
}

const runOptions = ({ abortSignal }: LanguageModelV3CallOptions): RunOptions =>
  abortSignal ? { signal: abortSignal } : {}
