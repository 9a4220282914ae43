import type { FigureShelf } from '../figures/shelf.ts'
import { toStats } from '../figures/stats.ts'
import { sum } from '../sum.ts'
import { createBatch } from './batch.ts'
import { createCachedFetch } from './cached-fetch.ts'
import { type CoreParts, createCore, invalid, lasting } from './core.ts'
import { empty } from './empty.ts'
import { createEvents, type EventParts } from './events.ts'
import { createLoaders } from './loaders.ts'
import { keyFor, ownTag, patternFor } from './places.ts'
import type { DataCache } from './types.ts'

export interface DataCacheParts extends CoreParts, Pick<EventParts, 'answers'> {
  readonly figures: FigureShelf
}

export function createDataCache(parts: DataCacheParts): DataCache {
  const core = createCore(parts)
  const { store, sharing, recorder, mget, mset, spot } = core

  const get: DataCache['get'] = async (name, key, options) => (await mget(name, [key], options))[0]
  const set: DataCache['set'] = (name, key, value, options) => mset(name, { [key]: value }, options)

  const wrap: DataCache['wrap'] = async (name, key, load, options = {}) => {
    const { at, tenant } = await spot(name, options)
    const reader = { namespace: name, tenant }
    return sharing.run(at(key), {
      look: () => get(name, key, options),
      async load() {
        const value = await load()
        recorder.count(reader, 'loaded')
        await set(name, key, value, options)
        return value
      },
      onJoined: () => recorder.count(reader, 'joined'),
    })
  }
  const loaders = createLoaders(core, wrap)

  return {
    ...{ get, mget, set, mset, wrap },
    ...{ register: loaders.register, warm: loaders.warm },
    ...createEvents(core, { ...parts, loaders }),
    cachedFetch: createCachedFetch(core),
    async delete(name, keys, owner = {}) {
      const all = typeof keys === 'string' ? [keys] : keys
      const names = all.map((key) => keyFor(key, owner.user))
      return store.drop((await spot(name, owner)).scope, names)
    },
    async exists(name, key, owner = {}) {
      const at = (await spot(name, owner)).at(key)
      return typeof (await store.get(at.scope, [at.key]))[0] === 'string'
    },
    async increment(name, key, by = 1, options = {}) {
      if (!Number.isSafeInteger(by)) throw invalid(`${by} is no whole number to count by`)
      const { of, at } = await spot(name, options)
      const { scope, key: placed } = at(key)
      return store.increment(scope, placed, by, lasting(options.ttlMs ?? of.ttlMs))
    },
    async expire(name, key, ttlMs, owner = {}) {
      const at = (await spot(name, owner)).at(key)
      return store.expire(at.scope, at.key, lasting(ttlMs))
    },
    batch: () =>
      createBatch({
        ...{ get, set, store },
        place: async (name, key, owner) => (await spot(name, owner)).at(key),
      }),
    deletePattern: async (name, pattern, owner = {}) =>
      store.dropMatching((await spot(name, owner)).scope, patternFor(pattern, owner.user)),
    invalidateTag: async (name, tag, owner = {}) =>
      store.dropTagged((await spot(name, owner)).scope, ownTag(tag)),
    invalidateUser: (names, owner) =>
      sum(names.map(async (name) => empty(core, (await spot(name, owner)).of, owner))),
    counts: () => recorder.totals(),
    stats: async (days = 1) => toStats(await parts.figures.read(days, Date.now())),
    close: () => store.close(),
  }
}
