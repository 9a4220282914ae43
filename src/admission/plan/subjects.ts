import type { Scope } from '../../config/policy-types.ts'
import { entryOf } from '../own-entry.ts'
import type { GovernedRequest, PlannedRung } from '../plan-types.ts'

/** Whom a budget or limit may be about. */
export type Identity = Pick<GovernedRequest, 'tenant' | 'user' | 'tier' | 'tags'>

/**
 * Writes a name without `:`, `/`, braces, blanks and line breaks; different names stay different. Half a character,
 * which `encodeURIComponent` refuses, becomes `%u` and its code unit.
 */
function escaped(name: string): string {
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
  if (scope.kind === 'model' || scope.kind === 'provider') return null
  const value = scope.kind === 'tag' ? entryOf(who.tags, scope.key) : who[scope.kind]
  if (value === undefined) return null
  if (scope.of !== 'each') return scope.of.value === value ? id : null
  return scope.kind === 'user' ? perUser(id, who) : `${id}/${escaped(value)}`
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
