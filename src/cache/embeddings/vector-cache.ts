import { messageOf } from '../../errors.ts'
import type { Nano } from '../../money/nano.ts'
import { levelFor } from '../../telemetry/level-for.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Codec } from '../codec/codec.ts'
import type { VectorStore } from './store.ts'
import { readVector, type Vector } from './vectors.ts'

export interface KeptVector {
  readonly vector: Vector
  /** Its share of what the batch had cost at list price, nano-USD. */
  readonly costNano: Nano
}

/** Vectors by the keys of their texts. It never throws: what cannot be read is unknown, what cannot be kept is paid again. */
export interface VectorCache {
  find(keys: readonly string[]): Promise<ReadonlyMap<string, KeptVector>>
  keep(vectors: ReadonlyMap<string, KeptVector>, kept: KeepSettings): Promise<void>
  drop(keys: readonly string[]): Promise<void>
}

export interface KeepSettings {
  readonly ttlMs: number
  readonly encrypt: boolean
}

export interface VectorCacheParts {
  readonly store: VectorStore
  readonly codec: Codec
  readonly logger: Logger
}

const KEPT = /^(\d{1,16}) (.+)$/

export function createVectorCache({ store, codec, logger }: VectorCacheParts): VectorCache {
  async function read(key: string, text: string): Promise<KeptVector | null> {
    const decoded = await codec.decode(text, key)
    const found = decoded.ok ? readKept(decoded.text) : null
    if (!found) logger.warn({ key, why: decoded.ok ? 'damaged' : decoded.why }, UNREADABLE)
    return found
  }
  /** What depends on it goes on without it. */
  async function orElse<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await work()
    } catch (error) {
      logger[levelFor(error)]({ reason: messageOf(error) }, 'the cache of vectors did not answer')
      return otherwise
    }
  }
  return {
    find: (keys) =>
      orElse(async () => {
        const texts = await store.get(keys)
        const found = await Promise.all(
          keys.map(async (key, at) => {
            const text = texts[at] ?? null
            return [key, text === null ? null : await read(key, text)] as const
          }),
        )
        return new Map(found.flatMap(([key, kept]) => (kept ? [[key, kept] as const] : [])))
      }, new Map<string, KeptVector>()),
    keep: (vectors, { ttlMs, encrypt }) =>
      orElse(async () => {
        const settings = { compressOverBytes: null, encrypt }
        const entries = await Promise.all(
          [...vectors].map(async ([key, { vector, costNano }]) => {
            return [key, await codec.encode(`${costNano} ${vector}`, key, settings)] as const
          }),
        )
        await store.put(new Map(entries), ttlMs)
      }, undefined),
    drop: (keys) => orElse(() => store.drop(keys), undefined),
  }
}

const UNREADABLE = 'a kept vector cannot be read: its text is asked for anew'

function readKept(text: string): KeptVector | null {
  const [, cost = '', embedding = ''] = KEPT.exec(text) ?? []
  const vector = readVector(embedding)
  const costNano = Number(cost)
  return vector !== null && Number.isSafeInteger(costNano) ? { vector, costNano } : null
}
