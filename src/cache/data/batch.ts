import type { Placed } from './places.ts'
import type { DataStore } from './store.ts'
import type { Batch, DataCache, Owner } from './types.ts'

interface BatchParts {
  readonly get: DataCache['get']
  readonly set: DataCache['set']
  readonly store: DataStore
  readonly place: (namespace: string, key: string, owner: Owner) => Promise<Placed>
}

/** The connection sends what one turn of the event loop asks for together. */
export function createBatch({ get, set, store, place }: BatchParts): Batch {
  const steps: (() => Promise<unknown>)[] = []
  const also = (step: () => Promise<unknown>): Batch => {
    steps.push(step)
    return batch
  }
  const batch: Batch = {
    get: (namespace, key, options) => also(() => get(namespace, key, options)),
    set: (namespace, key, value, options) => also(() => set(namespace, key, value, options)),
    delete: (namespace, key, owner = {}) =>
      also(async () => {
        const at = await place(namespace, key, owner)
        return (await store.drop(at.scope, [at.key])) === 1
      }),
    exists: (namespace, key, owner = {}) =>
      also(async () => {
        const at = await place(namespace, key, owner)
        return typeof (await store.get(at.scope, [at.key]))[0] === 'string'
      }),
    run: () => Promise.all(steps.splice(0).map((step) => step())),
  }
  return batch
}
