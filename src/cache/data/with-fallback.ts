import { isBursarError } from '../../errors.ts'
import type { Logger } from '../../telemetry/logger.ts'
import { type DataStore, EVERYTHING, isOf } from './store.ts'

export interface FallbackParts {
  readonly shared: DataStore
  /** Serves while the shared one is away. */
  readonly local: DataStore
  readonly logger: Pick<Logger, 'warn' | 'info'>
  readonly now?: () => number
}

/** How long the shared store is left alone after it did not answer. */
const RETRY_AFTER_MS = 1_000
/** More than this is not remembered one by one: the whole of what they were in is dropped instead. */
const MOST_OWED = 10_000

type Drop = (store: DataStore) => Promise<number>

/**
 * Goes on in memory while the shared store is away. What was dropped meanwhile is dropped there too before anything is
 * read from it again: a value that somebody has called stale is never served.
 */
export function withFallback(parts: FallbackParts): DataStore {
  const { shared, local, logger, now = Date.now } = parts
  let awayUntilMs = 0
  let isAway = false
  let owed: { readonly scope: string; readonly drop: Drop }[] = []
  let repaying: Promise<void> | null = null

  async function repay(): Promise<void> {
    while (owed.length > 0) {
      const [first] = owed
      await first?.drop(shared)
      owed.shift()
    }
    await local.close()
    isAway = false
    logger.info('the shared cache is back')
  }

  function owe(scope: string, drop: Drop): void {
    owed.push({ scope, drop })
    if (owed.length <= MOST_OWED) return
    const scopes = new Set(owed.map((one) => one.scope))
    owed = [...scopes].map((name) => ({
      scope: name,
      drop: (store) => store.dropMatching(name, EVERYTHING),
    }))
  }

  /** @returns whether the shared store may be asked. */
  async function isThere(): Promise<boolean> {
    if (!isAway) return true
    if (now() < awayUntilMs) return false
    repaying ??= repay().finally(() => {
      repaying = null
    })
    try {
      await repaying
      return true
    } catch (error) {
      return leave(error)
    }
  }

  function leave(error: unknown): false {
    if (!isBursarError(error, 'STORE_UNAVAILABLE')) throw error
    if (!isAway) logger.warn({ reason: error.message }, 'using in-memory fallback for cached data')
    isAway = true
    awayUntilMs = now() + RETRY_AFTER_MS
    return false
  }

  async function ask<T>(question: (store: DataStore) => Promise<T>): Promise<T> {
    if (await isThere()) {
      try {
        return await question(shared)
      } catch (error) {
        leave(error)
      }
    }
    return question(local)
  }

  /** What is dropped while nobody knows whether the shared store heard of it is dropped there again. */
  async function dropBoth(scope: string, drop: Drop): Promise<number> {
    if (await isThere()) {
      try {
        return await drop(shared)
      } catch (error) {
        leave(error)
      }
    }
    owe(scope, drop)
    return drop(local)
  }

  return {
    get: (scope, keys) => ask((store) => store.get(scope, keys)),
    // What is known to be newer here must not be older there afterwards.
    async put(scope, entries) {
      await ask(async (store) => {
        await store.put(scope, entries)
        if (store === local) {
          const names = entries.map(({ key }) => key)
          owe(scope, (there) => there.drop(scope, names))
        }
      })
    },
    drop: (scope, keys) => dropBoth(scope, (store) => store.drop(scope, keys)),
    dropTagged: (scope, tag) => dropBoth(scope, (store) => store.dropTagged(scope, tag)),
    dropMatching: (scope, pattern) =>
      dropBoth(scope, (store) => store.dropMatching(scope, pattern)),
    expire: (scope, key, ttlMs) => ask((store) => store.expire(scope, key, ttlMs)),
    increment: (scope, key, by, ttlMs) => ask((store) => store.increment(scope, key, by, ttlMs)),
    scopes: (namespace) =>
      ask(async (store) => {
        const touched = owed.map(({ scope }) => scope).filter((one) => isOf(one, namespace))
        return [...new Set([...(await store.scopes(namespace)), ...touched])]
      }),
    keys: (scope, pattern, limit) => ask((store) => store.keys(scope, pattern, limit)),
    lock: (scope, key, ttlMs) => ask((store) => store.lock(scope, key, ttlMs)),
    async close() {
      await local.close()
      await shared.close()
    },
  }
}
