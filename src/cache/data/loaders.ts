import { messageOf } from '../../errors.ts'
import { eachAtOnce } from './at-once.ts'
import { type Core, invalid } from './core.ts'
import { empty, emptyOthers } from './empty.ts'
import type { Namespace } from './namespaces.ts'
import { keyFor, patternFor } from './places.ts'
import type { DataCache, Loader, Owner } from './types.ts'

/** What makes values when nobody waits for them. */
export interface Loaders extends Pick<DataCache, 'register' | 'warm'> {
  /**
   * Makes what is kept anew: a user's own, or what a tenant has beside its users'. What cannot be made here goes: a
   * user's value when only the tenant is named, for nobody kept whose it is.
   */
  refresh(
    of: Namespace,
    owner: Owner,
  ): Promise<{ readonly dropped: number; readonly refreshed: number }>
}

/** More than this is dropped, and made again when somebody asks for it. */
const MOST_REFRESHED = 1_000

type Wrap = DataCache['wrap']

export function createLoaders(core: Core, wrap: Wrap): Loaders {
  const { store, logger } = core
  const loaders = new Map<string, Loader>()

  /** @returns whether it was made; what is not goes. */
  async function remake(of: Namespace, key: string, owner: Owner, load: Loader): Promise<boolean> {
    try {
      await core.mset(of.name, { [key]: await load(key, owner) }, owner)
      return true
    } catch (error) {
      const reason = messageOf(error)
      logger.warn({ namespace: of.name, key, reason }, 'a cached value was dropped, not refreshed')
      const { scope, at } = core.spotIn(of, owner)
      await store.drop(scope, [at(key).key])
      return false
    }
  }

  return {
    register(namespace, load) {
      loaders.set(namespace, load)
    },
    async warm(namespace, keys, owner = {}) {
      const load = loaders.get(namespace)
      if (!load) throw noLoader(namespace)
      let made = 0
      await eachAtOnce(keys, async (key) => {
        const loaded = async () => {
          made += 1
          return load(key, owner)
        }
        await wrap(namespace, key, loaded, owner)
      })
      return made
    },
    async refresh(of, owner) {
      const load = loaders.get(of.name)
      if (!load) return { dropped: await empty(core, of, owner), refreshed: 0 }
      const { scope, tenant } = core.spotIn(of, owner)
      const mine = await store.keys(scope, patternFor('*', owner.user), MOST_REFRESHED + 1)
      if (mine.length > MOST_REFRESHED) {
        return { dropped: await empty(core, of, owner), refreshed: 0 }
      }
      const [whose, prefix] = [{ ...owner, tenant }, keyFor('', owner.user).length]
      let refreshed = 0
      await eachAtOnce(mine, async (name) => {
        if (await remake(of, name.slice(prefix), whose, load)) refreshed += 1
      })
      const dropped = mine.length - refreshed + (await emptyOthers(core, of, owner))
      return { dropped, refreshed }
    },
  }
}

const noLoader = (namespace: string) =>
  invalid(
    `nothing makes values of ${JSON.stringify(namespace)}: call cache.register(${JSON.stringify(namespace)}, loader) first`,
  )
