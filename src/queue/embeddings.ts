import { rungsFor } from '../admission/offer.ts'
import { entryOf } from '../admission/own-entry.ts'
import { type Text, textsOf, vectorKeys, weightOf } from '../cache/embeddings/texts.ts'
import type { KeepSettings, KeptVector, VectorCache } from '../cache/embeddings/vector-cache.ts'
import { dimensionsOf, numbersOf, readVector, type Vector } from '../cache/embeddings/vectors.ts'
import { type ResponseJson, writeCacheEntry } from '../cache/responses/entry.ts'
import { readKey, wallOf } from '../cache/walls.ts'
import type { Policy, RungPolicy } from '../config/policy-types.ts'
import { addNano, type Nano } from '../money/nano.ts'
import type { SeenCall } from './call-provider.ts'
import type { LoadedJob } from './job.ts'
import { keptUnder, servedKey } from './job-cache.ts'

/** What of a batch of texts is known, and what has to be asked for. */
export interface TextBatch {
  /** Served without a call, and asked for; together all texts of the request. */
  readonly texts: { readonly known: number; readonly paid: number }
  /** What the known ones had cost at list price, nano-USD. */
  readonly savedNano: Nano
  /** The request for the unknown ones alone, each once; null = all are known. */
  readonly job: LoadedJob | null
  /** The entry of an answer that was made of known vectors alone. */
  entry(): string
  /**
   * Puts the answer to `job` and the known vectors together.
   * @returns what is wrong with the provider's answer instead, when they do not go together.
   */
  fill(response: ResponseJson): ResponseJson | string
  /** Keeps what `fill` brought; when it did not fit, forgets the known ones: the model has others now. */
  keep(listNano: Nano): Promise<void>
}

/** One text to ask for. */
interface Wanted {
  readonly key: string
  readonly text: Text
}

/**
 * Looks up the texts of an embeddings request. @returns null when it is none whose texts are kept: another operation,
 * the cache is off, or several models may serve it, whose vectors cannot be mixed.
 */
export async function readTextBatch(
  job: LoadedJob,
  policy: Policy,
  cache: VectorCache | undefined,
): Promise<TextBatch | null> {
  const { embeddings, responses } = policy.cache
  const share = job.cacheKey === null ? undefined : readKey(job.cacheKey)?.share
  const texts = job.operation === 'embeddings' ? textsOf(job.body.input) : null
  const rung = onlyRung(job, policy)
  if (!cache || !embeddings?.enabled || !share || !texts || !rung) return null
  const { provider, upstreamModel: model } = rung
  const wall = wallOf(share, job)
  const { prefix = '', encrypt = false } = responses
  const keys = vectorKeys(texts, { wall, prefix, provider, model, body: job.body })
  const known = servedKey(job) === null ? NONE : await cache.find([...new Set(keys)])
  const under = keptUnder(job, policy)
  const kept = under && { ttlMs: under.ttlMs, encrypt }
  return batchOf(job, { texts, keys, known, cache, model, provider, kept })
}

const NONE: ReadonlyMap<string, KeptVector> = new Map()

function onlyRung(job: LoadedJob, policy: Policy): RungPolicy | null {
  const tier = entryOf(policy.tiers, job.tier)
  const [first, second] = tier ? rungsFor(policy, tier, job) : []
  return first && !second ? first : null
}

interface Looked {
  readonly texts: readonly Text[]
  /** Of each text. */
  readonly keys: readonly string[]
  readonly known: ReadonlyMap<string, KeptVector>
  readonly cache: VectorCache
  readonly provider: string
  readonly model: string
  /** null = what is paid is not kept. */
  readonly kept: KeepSettings | null
}

function batchOf(job: LoadedJob, looked: Looked): TextBatch {
  const { keys, known, cache, model, provider, kept } = looked
  const wanted = wantedOf(looked)
  const isBase64 = job.body.encoding_format === 'base64'
  let fresh: readonly Vector[] = []
  const dataOf = (vectors: ReadonlyMap<string, Vector>) =>
    keys.map((key, index) => {
      const vector = vectors.get(key) ?? ''
      return { object: 'embedding', index, embedding: isBase64 ? vector : numbersOf(vector) }
    })
  const vectorsNow = () =>
    new Map([
      ...[...known].map(([key, { vector }]) => [key, vector] as const),
      ...wanted.map(({ key }, at) => [key, fresh[at] ?? ''] as const),
    ])
  return {
    texts: { known: keys.length - wanted.length, paid: wanted.length },
    savedNano: addNano(...keys.map((key) => known.get(key)?.costNano ?? 0)),
    job: wanted.length === 0 ? null : { ...job, body: bodyFor(job, wanted) },
    entry() {
      const usage = { prompt_tokens: 0, total_tokens: 0 }
      const response = { object: 'list', data: dataOf(vectorsNow()), model, usage }
      return writeCacheEntry(model, provider, JSON.stringify(response))
    },
    fill(response) {
      const read = readVectors(response, wanted.length, known)
      if (typeof read === 'string') return read
      fresh = read
      return { ...response, data: dataOf(vectorsNow()) }
    },
    async keep(listNano) {
      if (fresh.length === 0) await cache.drop([...known.keys()])
      else if (kept) await cache.keep(sharedOut(wanted, fresh, listNano), kept)
    },
  }
}

/** A call, and what was there before it. */
export interface AskedCall {
  readonly call: SeenCall
  /** Absent = nothing was there, and nothing was looked up. */
  readonly reused?: Pick<TextBatch, 'texts' | 'savedNano'>
  /** Why the answer, which is paid, cannot be given to the caller; absent = it can. */
  readonly unusable?: string
}

/** A call as its request wanted it: with the vectors that it did not ask for. */
export function withKnownTexts(call: SeenCall, batch: TextBatch | null): AskedCall {
  const { outcome } = call
  if (!batch || outcome.seen !== 'answer') return { call }
  const response = batch.fill(outcome.response)
  if (typeof response === 'string') return { call, reused: batch, unusable: response }
  const filled = { ...outcome, response, json: JSON.stringify(response) }
  return { call: { ...call, outcome: filled }, reused: batch }
}

function wantedOf({ texts, keys, known }: Looked): Wanted[] {
  const wanted = new Map<string, Wanted>()
  for (const [at, key] of keys.entries()) {
    const text = texts[at]
    if (text !== undefined && !known.has(key)) wanted.set(key, { key, text })
  }
  return [...wanted.values()]
}

const bodyFor = ({ body }: LoadedJob, wanted: readonly Wanted[]): LoadedJob['body'] => ({
  ...body,
  input: wanted.map(({ text }) => text),
  encoding_format: 'base64',
})

/** The vectors of an answer in the order of their texts, or what is wrong with them. */
function readVectors(
  { data }: ResponseJson,
  count: number,
  known: ReadonlyMap<string, KeptVector>,
): readonly Vector[] | string {
  const items: readonly unknown[] = Array.isArray(data) ? data : []
  const vectors = items.map((item) => readVector(fieldOf(item, 'embedding')))
  const places = items.map((item, at) => fieldOf(item, 'index') ?? at)
  if (items.length !== count) return `${items.length} vectors for ${count} texts`
  const inOrder = vectors.map((_, at) => vectors[places.indexOf(at)] ?? null)
  const read = inOrder.filter((vector) => vector !== null)
  if (read.length < count) return 'a text without a vector'
  const sizes = new Set(
    [...read, ...[...known.values()].map(({ vector }) => vector)].map(dimensionsOf),
  )
  return sizes.size === 1 ? read : `vectors of ${[...sizes].join(' and ')} dimensions`
}

const fieldOf = (value: unknown, name: 'embedding' | 'index'): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

/** The cost of a call by the lengths of its texts; the parts add up to it. */
function sharedOut(wanted: readonly Wanted[], vectors: readonly Vector[], listNano: Nano) {
  const weights = wanted.map(({ text }) => weightOf(text))
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  const kept = new Map<string, KeptVector>()
  let [upTo, given] = [0, 0]
  for (const [at, { key }] of wanted.entries()) {
    upTo += weights[at] ?? 0
    const until = Math.floor(listNano * (upTo / all))
    kept.set(key, { vector: vectors[at] ?? '', costNano: until - given })
    given = until
  }
  return kept
}
