import { sum } from '../sum.ts'
import type { Core } from './core.ts'
import type { Namespace } from './namespaces.ts'
import { OF_USERS, userTag } from './places.ts'
import { EVERYTHING } from './store.ts'
import type { Owner } from './types.ts'

type Parts = Pick<Core, 'store' | 'spotIn'>

/** Drops a user's own where a user is named, else all of a tenant, else all. @returns how many were there. */
export async function empty(core: Parts, of: Namespace, owner: Owner): Promise<number> {
  const { store } = core
  const { scope } = core.spotIn(of, owner)
  if (owner.user !== undefined) return store.dropTagged(scope, userTag(owner.user))
  const scopes = owner.tenant === undefined ? await store.scopes(of.name) : [scope]
  return sum(scopes.map((one) => store.dropMatching(one, EVERYTHING)))
}

/** Drops what a loader of this process cannot make again: its owner is not named, and nowhere kept. */
export async function emptyOthers(core: Parts, of: Namespace, owner: Owner): Promise<number> {
  if (owner.user !== undefined) return 0
  const { store } = core
  const { scope } = core.spotIn(of, owner)
  const others = owner.tenant === undefined ? await store.scopes(of.name) : []
  return sum([
    store.dropMatching(scope, OF_USERS),
    ...others.filter((one) => one !== scope).map((one) => store.dropMatching(one, EVERYTHING)),
  ])
}
