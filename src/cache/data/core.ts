import { BursarError } from '../../errors.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Codec } from '../codec/codec.ts'
import type { Recorder } from '../figures/recorder.ts'
import type { Namespace, Namespaces } from './namespaces.ts'
import { keyFor, ownTag, type Placed, scopeFor, userTag } from './places.ts'
import { createSharing, type Sharing } from './sharing.ts'
import type { DataStore, Entry } from './store.ts'
import type { Owner, ReadOptions, WriteOptions } from './types.ts'
import { createValues, type Reading, type Values } from './values.ts'

export interface CoreParts {
  readonly store: DataStore
  readonly codec: Codec
  /** Of the policy in force. */
  readonly namespaces: () => Promise<Namespaces>
  readonly defaultTenant: () => string
  readonly logger: Pick<Logger, 'warn' | 'info'>
  readonly recorder: Recorder
}

/** A namespace behind the wall of whoever asks. */
export interface Spot extends Reading {
  readonly scope: string
  at(key: string): Placed
}

/** Reading and writing, which everything else of the data cache is made of. */
export interface Core extends Omit<CoreParts, 'codec'> {
  readonly values: Values
  readonly sharing: Sharing
  /** @throws {BursarError} INVALID_ARGUMENT for a namespace that nobody knows. */
  spot(name: string, owner: Owner): Promise<Spot>
  spotIn(of: Namespace, owner: Owner): Spot
  mget<T>(
    name: string,
    keys: readonly string[],
    options?: ReadOptions<T>,
  ): Promise<readonly (T | undefined)[]>
  mset(name: string, all: Readonly<Record<string, unknown>>, options?: WriteOptions): Promise<void>
}

export function createCore(parts: CoreParts): Core {
  const { store, recorder } = parts
  const values = createValues(parts)

  function spotIn(of: Namespace, owner: Owner): Spot {
    const tenant = owner.tenant ?? parts.defaultTenant()
    const scope = scopeFor(of, tenant)
    return { of, tenant, scope, at: (key) => ({ scope, key: keyFor(key, owner.user) }) }
  }
  const spot = async (name: string, owner: Owner): Promise<Spot> =>
    spotIn((await parts.namespaces()).get(name), owner)

  async function entryOf(
    { of, at }: Spot,
    key: string,
    value: unknown,
    { user, ttlMs = of.ttlMs, tags = [] }: WriteOptions,
  ): Promise<Entry> {
    const placed = at(key)
    return {
      key: placed.key,
      value: await values.write(of, placed, value),
      ttlMs: lasting(ttlMs),
      tags: [...tags.map(ownTag), ...(user === undefined ? [] : [userTag(user)])],
    }
  }

  return {
    ...parts,
    values,
    sharing: createSharing(store),
    spot,
    spotIn,
    async mget(name, keys, options = {}) {
      const where = await spot(name, options)
      const places = keys.map(where.at)
      const startedMs = performance.now()
      const kept = await store.get(
        where.scope,
        places.map(({ key }) => key),
      )
      const found = await Promise.all(
        places.map((at, i) => values.read(where, at, kept[i] ?? null, options.parse)),
      )
      const tookMs = performance.now() - startedMs
      recorder.time({ namespace: name, tenant: where.tenant }, tookMs)
      return found
    },
    async mset(name, all, options = {}) {
      const where = await spot(name, options)
      const entries = Object.entries(all).map(([key, value]) => entryOf(where, key, value, options))
      await store.put(where.scope, await Promise.all(entries))
    },
  }
}

/** @throws {BursarError} INVALID_ARGUMENT for what is no time to live. */
export function lasting(ttlMs: number): number {
  if (Number.isSafeInteger(ttlMs) && ttlMs > 0) return ttlMs
  throw invalid(`${ttlMs} is no time to live: write whole milliseconds above 0`)
}

export const invalid = (message: string): BursarError =>
  new BursarError('INVALID_ARGUMENT', message)
