import { BursarError } from '../../errors.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Codec } from '../codec/codec.ts'
import { createBatch } from './batch.ts'
import type { Namespace, Namespaces } from './namespaces.ts'
import { keyFor, ownTag, patternFor, placeOf, scopeFor, userTag } from './places.ts'
import { createSharing } from './sharing.ts'
import { type DataStore, type Entry, EVERYTHING } from './store.ts'
import type { DataCache, Owner, ReadOptions, WriteOptions } from './types.ts'
import { createValues } from './values.ts'

export interface DataCacheParts {
  readonly store: DataStore
  readonly codec: Codec
  /** Of the policy in force. */
  readonly namespaces: () => Promise<Namespaces>
  readonly defaultTenant: () => string
  readonly logger: Pick<Logger, 'warn' | 'info'>
}

export function createDataCache(parts: DataCacheParts): DataCache {
  const { store, logger } = parts
  const values = createValues(parts)
  const sharing = createSharing(store)
  const find = async (name: string): Promise<Namespace> => (await parts.namespaces()).get(name)
  const whose = (owner: Owner) => ({ ...owner, tenant: owner.tenant ?? parts.defaultTenant() })
  const scope = (of: Namespace, owner: Owner) => scopeFor(of, whose(owner).tenant)
  const place = (of: Namespace, key: string, owner: Owner) => placeOf(of, key, whose(owner))

  async function entryOf(
    of: Namespace,
    key: string,
    value: unknown,
    options: WriteOptions,
  ): Promise<Entry> {
    const at = place(of, key, options)
    const { user, ttlMs = of.ttlMs, tags = [] } = options
    const all = [...tags.map(ownTag), ...(user === undefined ? [] : [userTag(user)])]
    return {
      key: at.key,
      value: await values.write(of, at, value),
      ttlMs: lasting(ttlMs),
      tags: all,
    }
  }

  async function mget<T>(name: string, keys: readonly string[], options: ReadOptions<T> = {}) {
    const of = await find(name)
    const places = keys.map((key) => place(of, key, options))
    const names = places.map(({ key }) => key)
    const kept = await store.get(scope(of, options), names)
    return Promise.all(places.map((at, i) => values.read(of, at, kept[i] ?? null, options.parse)))
  }

  async function mset(
    name: string,
    all: Readonly<Record<string, unknown>>,
    options: WriteOptions = {},
  ): Promise<void> {
    const of = await find(name)
    const entries = Object.entries(all).map(([key, value]) => entryOf(of, key, value, options))
    await store.put(scope(of, options), await Promise.all(entries))
  }

  const get = async <T>(name: string, key: string, options: ReadOptions<T> = {}) =>
    (await mget(name, [key], options))[0]
  const set = (name: string, key: string, value: unknown, options?: WriteOptions) =>
    mset(name, { [key]: value }, options)

  async function invalidate(of: Namespace, owner: Owner): Promise<number> {
    if (owner.user !== undefined) return store.dropTagged(scope(of, owner), userTag(owner.user))
    const isForAll = owner.tenant === undefined
    const scopes = isForAll ? await store.scopes(of.name) : [scope(of, owner)]
    return sum(scopes.map((one) => store.dropMatching(one, EVERYTHING)))
  }

  return {
    get,
    mget,
    set,
    mset,
    async wrap(name, key, load, options = {}) {
      return sharing.run(place(await find(name), key, options), {
        look: () => get(name, key, options),
        async load() {
          const value = await load()
          values.count(name, 'loaded')
          await set(name, key, value, options)
          return value
        },
        onJoined: () => values.count(name, 'joined'),
      })
    },
    async delete(name, keys, owner = {}) {
      const all = typeof keys === 'string' ? [keys] : keys
      const names = all.map((key) => keyFor(key, owner.user))
      return store.drop(scope(await find(name), owner), names)
    },
    async exists(name, key, owner = {}) {
      const at = place(await find(name), key, owner)
      return typeof (await store.get(at.scope, [at.key]))[0] === 'string'
    },
    async increment(name, key, by = 1, options = {}) {
      if (!Number.isSafeInteger(by)) throw invalid(`${by} is no whole number to count by`)
      const of = await find(name)
      const at = place(of, key, options)
      return store.increment(at.scope, at.key, by, lasting(options.ttlMs ?? of.ttlMs))
    },
    async expire(name, key, ttlMs, owner = {}) {
      const at = place(await find(name), key, owner)
      return store.expire(at.scope, at.key, lasting(ttlMs))
    },
    batch: () =>
      createBatch({
        ...{ get, set, store },
        place: async (name, key, owner) => place(await find(name), key, owner),
      }),
    deletePattern: async (name, pattern, owner = {}) =>
      store.dropMatching(scope(await find(name), owner), patternFor(pattern, owner.user)),
    invalidateTag: async (name, tag, owner = {}) =>
      store.dropTagged(scope(await find(name), owner), ownTag(tag)),
    invalidateUser: (names, owner) =>
      sum(names.map(async (name) => invalidate(await find(name), owner))),
    async emit(event, owner = {}) {
      const emptied = (await parts.namespaces()).emptiedBy(event)
      const all = await Promise.all(
        emptied.map(async (of) => ({ namespace: of.name, dropped: await invalidate(of, owner) })),
      )
      for (const one of all) logger.info({ event, ...owner, ...one }, 'cached data was dropped')
      return all
    },
    counts: () => values.counts(),
    close: () => store.close(),
  }
}

async function sum(counts: readonly Promise<number>[]): Promise<number> {
  return (await Promise.all(counts)).reduce((all, one) => all + one, 0)
}

function lasting(ttlMs: number): number {
  if (Number.isSafeInteger(ttlMs) && ttlMs > 0) return ttlMs
  throw invalid(`${ttlMs} is no time to live: write whole milliseconds above 0`)
}

const invalid = (message: string): BursarError => new BursarError('INVALID_ARGUMENT', message)
