import { z } from 'zod'

/** The provider's final JSON, unknown fields kept. */
export type ResponseJson = Readonly<Record<string, unknown>>

/** An answer as it is kept, found to be whole. */
export interface CacheEntry {
  /** `{"model":…,"provider":…,"response":…}`. */
  readonly json: string
  readonly model: string
  readonly provider: string
  /** The visible text of its response. */
  readonly text: string
}

const isRecord = (value: unknown): value is ResponseJson => typeof value === 'object' && !!value

/** A provider's answer: its shape is the provider's word. */
export const ResponseSchema = z.custom<ResponseJson>(isRecord)

export const EntrySchema = z.object({
  model: z.string(),
  provider: z.string(),
  response: ResponseSchema,
})

/** @param response - JSON text. */
export const writeCacheEntry = (model: string, provider: string, response: string): string =>
  `{"model":${JSON.stringify(model)},"provider":${JSON.stringify(provider)},"response":${response}}`

/** @returns null when the text is none. */
export function readCacheEntry(json: string): CacheEntry | null {
  const entry = EntrySchema.safeParse(parseJson(json)).data
  if (!entry) return null
  const { model, provider, response } = entry
  return { json, model, provider, text: textOf(response) }
}

/** Reads the response of an entry, anew each time: it is for one caller, and theirs to change. */
export const responseOf = ({ json }: CacheEntry): ResponseJson =>
  EntrySchema.parse(JSON.parse(json)).response

/** The visible text of an answer; '' when there is none (tool calls, embeddings). */
export function textOf(response: ResponseJson): string {
  const { choices, output, output_text: outputText } = response
  if (typeof outputText === 'string') return outputText
  const parts = Array.isArray(choices)
    ? choices.slice(0, 1).map((choice: unknown) => field(field(choice, 'message'), 'content'))
    : Array.isArray(output)
      ? output.flatMap((item: unknown) => textParts(field(item, 'content')))
      : []
  return parts.filter((part) => typeof part === 'string').join('')
}

const textParts = (content: unknown): unknown[] =>
  Array.isArray(content) ? content.map((part: unknown) => field(part, 'text')) : []

const field = (value: unknown, name: string): unknown => (isRecord(value) ? value[name] : undefined)

/** @returns undefined when the text is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
