import type { Client } from '../client-type.ts'
import type { Governed } from '../types.ts'

/** What Bursar reads of a request; a call may say it anew in `providerOptions: { bursar: { ... } }`. */
export type CallSettings = Partial<Omit<Governed, 'model' | 'jobId'>>

export interface BursarSettings extends CallSettings {
  /** The gateway; absent = `http://127.0.0.1:8080`, or `unix:/run/bursar.sock`. */
  readonly url?: string
  /** `sk-bursar-...`; absent = none is needed. */
  readonly apiKey?: string
  /** One of your own (`createClient()` finds Bursar by the environment), which you close. */
  readonly client?: Client
}

/** What a model of the provider is made of. */
export interface ModelParts {
  readonly client: Client
  readonly modelId: string
  readonly settings: CallSettings
  /** For errors: which address was asked. */
  readonly url: string
}

export const PROVIDER = 'bursar'

/** @param user - absent = whoever the API key is for. */
export const governed = (
  { modelId, settings }: Pick<ModelParts, 'modelId' | 'settings'>,
  own: Readonly<Record<string, unknown>> = {},
): Governed => ({ ...settings, ...own, model: modelId }) as Governed
