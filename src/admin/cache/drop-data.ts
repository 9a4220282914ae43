import { createNamespaces, type Namespaces } from '../../cache/data/namespaces.ts'
import { keyFor, ownTag, patternFor, tenantScope, userTag } from '../../cache/data/places.ts'
import { type DataStore, EVERYTHING, namespaceOf } from '../../cache/data/store.ts'
import type { Policy } from '../../config/policy-types.ts'
import type { Selection } from './selection.ts'

/** What went, by namespace; those in which nothing was are left out. */
export type DroppedData = ReadonlyMap<string, number>

/** Drops data of applications. @param tenant - whose, where a user is named; undefined = everybody's. */
export async function dropData(
  store: DataStore,
  policy: Policy,
  selection: Selection,
  tenant: string | undefined,
): Promise<DroppedData> {
  const namespaces = createNamespaces(policy.cache.namespaces ?? {})
  const dropped = new Map<string, number>()
  for (const scope of await scopesOf(store, namespaces, selection, tenant)) {
    const count = await dropIn(store, scope, selection)
    const of = namespaceOf(scope)
    if (count > 0) dropped.set(of, (dropped.get(of) ?? 0) + count)
  }
  return dropped
}

async function scopesOf(
  store: DataStore,
  namespaces: Namespaces,
  { namespace, event }: Selection,
  tenant: string | undefined,
): Promise<readonly string[]> {
  const all = await store.scopes(namespace ?? null)
  const concerned = event === undefined ? null : new Set(concernedBy(namespaces, event))
  return all.filter(
    (scope) =>
      (concerned === null || concerned.has(namespaceOf(scope))) &&
      (tenant === undefined || isOpenTo(scope, tenant, namespaces)),
  )
}

const concernedBy = (namespaces: Namespaces, event: string): string[] =>
  [...namespaces.emptiedBy(event), ...namespaces.refreshedBy(event)].map(({ name }) => name)

/** A shared namespace has one scope, in which every tenant's users have keys of their own. */
const isOpenTo = (scope: string, tenant: string, namespaces: Namespaces): boolean => {
  const name = namespaceOf(scope)
  const shared = namespaces.names.includes(name) && namespaces.get(name).shared
  return scope === tenantScope(tenant, name) || shared
}

function dropIn(store: DataStore, scope: string, asked: Selection): Promise<number> {
  const { key, pattern, tag, user } = asked
  if (key !== undefined) return store.drop(scope, [keyFor(key, user)])
  if (pattern !== undefined) {
    return store.dropMatching(
      scope,
      user === undefined ? `*/${pattern}` : patternFor(pattern, user),
    )
  }
  if (tag !== undefined) return store.dropTagged(scope, ownTag(tag))
  if (user !== undefined) return store.dropTagged(scope, userTag(user))
  return store.dropMatching(scope, EVERYTHING)
}
