import type { Scope } from '../../config/policy-types.ts'
import { entryOf } from '../own-entry.ts'
import type { GovernedRequest, PlannedRung } from '../plan-types.ts'
import { OWN_TAGS, type OwnScope } from './own-tags.ts'

/** Whom a budget or limit may be about. */
export type Identity = Pick<GovernedRequest, 'tenant' | 'user' | 'tier' | 'tags' | 'ip'>

/**
 * Writes a name without `:`, `/`, braces, blanks and line breaks; different names stay different. Half a character,
 * which `encodeURIComponent` refuses, becomes `%u` and its code unit.
 */
export function escaped(name: string): string {
  if (name.isWellFormed()) return encodeURIComponent(name)
  const characters = Array.from(name, (character) =>
    character.isWellFormed()
      ? encodeURIComponent(character)
      : `%u${character.charCodeAt(0).toString(16)}`,
  )
  return characters.join('')
}

/** The state's name for one user of one tenant. */
export const perUser = (id: string, { tenant, user }: Identity): string =>
  `${id}/${escaped(tenant)}/${escaped(user)}`

/** @returns the state's name for this subject, null when the scope does not cover it. */
export function subjectKey(id: string, scope: Scope, who: Identity): string | null {
  if (scope.kind === 'global') return id
  const value = valueIn(scope, who)
  if (value === undefined) return null
  if (scope.of !== 'each') return scope.of.value === value ? id : null
  switch (scope.kind) {
    case 'user':
      return perUser(id, who)
    // What callers name themselves, two tenants may name alike.
    case 'session':
    case 'run':
      return `${id}/${escaped(who.tenant)}/${escaped(value)}`
    default:
      return `${id}/${escaped(value)}`
  }
}

/** The session, the run or the API key of a request; undefined = it has none. */
export const ownTagOf = ({ tags }: Pick<Identity, 'tags'>, kind: OwnScope): string | undefined =>
  entryOf(tags, OWN_TAGS[kind])

function valueIn(scope: Exclude<Scope, { kind: 'global' }>, who: Identity): string | undefined {
  switch (scope.kind) {
    case 'tag':
      return entryOf(who.tags, scope.key)
    case 'session':
    case 'run':
    case 'key':
      return ownTagOf(who, scope.kind)
    case 'tenant':
    case 'user':
    case 'tier':
    case 'ip':
      return who[scope.kind]
    // Of the rung, not of whoever asks.
    case 'model':
    case 'provider':
      return undefined
  }
}

/** The states that a scope has for a request, and the rungs that each is about; null = every one. */
export function subjectsOf(
  id: string,
  scope: Scope,
  who: Identity,
  rungs: readonly PlannedRung[],
): { readonly key: string; readonly rungs: readonly number[] | null }[] {
  if (scope.kind !== 'model' && scope.kind !== 'provider') {
    const key = subjectKey(id, scope, who)
    return key === null ? [] : [{ key, rungs: null }]
  }
  const subjects = new Map<string, number[]>()
  for (const [at, { rung }] of rungs.entries()) {
    const value = rung[scope.kind]
    if (scope.of !== 'each' && scope.of.value !== value) continue
    const key = scope.of === 'each' ? `${id}/${escaped(value)}` : id
    subjects.set(key, [...(subjects.get(key) ?? []), at])
  }
  return [...subjects].map(([key, places]) => ({ key, rungs: places }))
}
