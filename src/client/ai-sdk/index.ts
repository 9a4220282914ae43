import {
  type EmbeddingModelV3,
  type LanguageModelV3,
  NoSuchModelError,
  type ProviderV3,
} from '@ai-sdk/provider'
import type { Receipt } from '../../queue/receipt.ts'
import { createHttpClient } from '../http/client.ts'
import { isJson } from '../http/read-reply.ts'
import { embeddingModel } from './embedding-model.ts'
import { languageModel } from './language-model.ts'
import { type BursarSettings, type CallSettings, PROVIDER } from './settings.ts'

export type { Receipt } from '../../queue/receipt.ts'
export type { BursarSettings, CallSettings } from './settings.ts'

/** `bursar('auto')` is a model of the AI SDK. */
export interface BursarProvider extends ProviderV3 {
  (modelId: string, settings?: CallSettings): LanguageModelV3
  languageModel(modelId: string, settings?: CallSettings): LanguageModelV3
  embeddingModel(modelId: string, settings?: CallSettings): EmbeddingModelV3
  /** Ends idle connections. Not needed to let a script end. */
  close(): Promise<void>
}

const DEFAULT_URL = 'http://127.0.0.1:8080'

/**
 * Creates a provider for Vercel's AI SDK. Its calls go to a gateway as jobs, so that each has a receipt:
 * `receiptIn(result.providerMetadata)`.
 * @throws {BursarError} INVALID_OPTIONS when the address cannot be one.
 */
export function createBursar(options: BursarSettings = {}): BursarProvider {
  const { url = DEFAULT_URL, apiKey, client: given, ...settings } = options
  const client = given ?? createHttpClient({ url, ...(apiKey !== undefined && { apiKey }) })
  const partsOf = (modelId: string, own: CallSettings = {}) => ({
    client,
    modelId,
    settings: { ...settings, ...own },
    url,
  })
  const language = (modelId: string, own?: CallSettings) => languageModel(partsOf(modelId, own))
  return Object.assign((modelId: string, own?: CallSettings) => language(modelId, own), {
    specificationVersion: 'v3' as const,
    languageModel: language,
    embeddingModel: (modelId: string, own?: CallSettings) => embeddingModel(partsOf(modelId, own)),
    imageModel(modelId: string): never {
      throw new NoSuchModelError({ modelId, modelType: 'imageModel' })
    },
    close: async () => {
      if (!given) await client.close()
    },
  })
}

/** The receipt of a call: `receiptIn(result.providerMetadata)`; null when it has none. */
export function receiptIn(metadata: Readonly<Record<string, unknown>> | undefined): Receipt | null {
  const own = metadata?.[PROVIDER]
  return isJson(own) && isJson(own.receipt) ? (own.receipt as unknown as Receipt) : null
}
