import { z } from 'zod'
import { ApiError } from './http.ts'
import { type Ground, inflate, type Prepared, type Twist } from './prepared.ts'
import { createDraw, fingerprint } from './random.ts'
import { check, modelOf } from './request.ts'
import { tokensOf } from './tokens.ts'

const Token = z.int().min(0)

const EmbeddingsBody = z.looseObject({
  model: z.string(),
  input: z.union([
    z.string().min(1),
    z.array(z.string().min(1)).min(1).max(2048),
    z.array(Token).min(1),
    z.array(z.array(Token).min(1)).min(1).max(2048),
  ]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().min(1).nullish(),
})
type Input = z.infer<typeof EmbeddingsBody>['input']

/** A text, or tokens counted by the caller. */
type Item = string | readonly number[]

/** Embeds texts. @throws {ApiError} as OpenAI would. */
export function prepareEmbeddings(ground: Ground, raw: unknown, twist: Twist): Prepared {
  const body = check(EmbeddingsBody, raw)
  const model = modelOf(body.model, 'embedding')
  const size = body.dimensions ?? model.dimensions
  if (size > model.dimensions)
    throw new ApiError(400, `Invalid value for 'dimensions': at most ${model.dimensions}.`, {
      param: 'dimensions',
    })
  const items = itemsOf(body.input)
  const counted = items.reduce((sum, item) => sum + weightOf(item), 0)
  const input = twist.overbill ? inflate(counted, null) : counted
  const json = () => ({
    object: 'list',
    data: items.map((item, index) => {
      const vector = embed(ground.seed, body.model, item, model.dimensions, size)
      const embedding = body.encoding_format === 'base64' ? base64(vector) : Array.from(vector)
      return { object: 'embedding', index, embedding }
    }),
    model: body.model,
    ...(twist.omitUsage ? {} : { usage: { prompt_tokens: input, total_tokens: input } }),
  })
  return {
    id: `embd-${ground.serial}`,
    kind: 'embeddings',
    modelName: body.model,
    model,
    lane: 'default',
    tokens: { input, cached: 0, cacheWrite: 0, output: 0, reasoning: 0 },
    isStream: false,
    chunkDelayMs: null,
    json,
    events: () => [],
  }
}

function itemsOf(input: Input): Item[] {
  if (typeof input === 'string') return [input]
  const isOneItem = typeof input[0] === 'number'
  return isOneItem ? [input.filter((token) => typeof token === 'number')] : input.filter(isItem)
}

const isItem = (item: string | number | number[]): item is string | number[] =>
  typeof item !== 'number'

const weightOf = (item: Item): number => (typeof item === 'string' ? tokensOf(item) : item.length)

const DIMENSIONS_PER_WORD = 64
/** Small beside a word, so that even the shortest vector has a direction. */
const NOISE = 0.01

/**
 * A unit vector: the sum of one sparse random direction per word, so that texts which share words are near each other.
 * A shorter one is the beginning of the long one, made a unit again, as OpenAI documents it.
 */
function embed(seed: number, model: string, item: Item, full: number, size: number): Float32Array {
  const noise = createDraw(fingerprint(seed, String(item)))
  const vector = Float32Array.from({ length: full }, () => NOISE * (noise() - 0.5))
  const words = typeof item === 'string' ? item.toLowerCase().match(/[\p{L}\p{N}]+|\S/gu) : null
  for (const word of words ?? (typeof item === 'string' ? [item] : item.map(String))) {
    const draw = createDraw(fingerprint(seed, `${model} ${word}`))
    for (let i = 0; i < DIMENSIONS_PER_WORD; i++) {
      const at = Math.floor(draw() * full)
      vector[at] = (vector[at] ?? 0) + (draw() < 0.5 ? -1 : 1)
    }
  }
  const part = vector.subarray(0, size)
  const norm = Math.sqrt(part.reduce((sum, x) => sum + x * x, 0))
  return part.map((x) => x / norm)
}

const base64 = (vector: Float32Array): string =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64')
