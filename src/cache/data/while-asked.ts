import type { DataStore } from './store.ts'

/** @param alive - runs each question, and keeps the process from ending under it. */
export function whileAsked(
  store: DataStore,
  alive: { during<T>(work: () => Promise<T>): Promise<T> },
): DataStore {
  return {
    get: (...asked) => alive.during(() => store.get(...asked)),
    put: (...asked) => alive.during(() => store.put(...asked)),
    drop: (...asked) => alive.during(() => store.drop(...asked)),
    dropTagged: (...asked) => alive.during(() => store.dropTagged(...asked)),
    dropMatching: (...asked) => alive.during(() => store.dropMatching(...asked)),
    expire: (...asked) => alive.during(() => store.expire(...asked)),
    increment: (...asked) => alive.during(() => store.increment(...asked)),
    scopes: (...asked) => alive.during(() => store.scopes(...asked)),
    keys: (...asked) => alive.during(() => store.keys(...asked)),
    async lock(...asked) {
      const lock = await alive.during(() => store.lock(...asked))
      return lock && { release: () => alive.during(() => lock.release()) }
    },
    close: () => alive.during(() => store.close()),
  }
}
