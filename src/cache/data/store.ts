/**
 * Where cached data lives. A scope is one namespace behind one tenant's wall; keys and tags are unique within it. Values
 * are opaque texts. Every method is one round trip unless it says otherwise.
 * @throws {BursarError} STORE_UNAVAILABLE.
 */
export interface DataStore {
  /** In the order asked; null = unknown or run out. */
  get(scope: string, keys: readonly string[]): Promise<readonly (string | null)[]>
  /** In parts when they are many. */
  put(scope: string, entries: readonly Entry[]): Promise<void>
  /** @returns how many of them were there. */
  drop(scope: string, keys: readonly string[]): Promise<number>
  /** @returns how many were dropped. In pages, so that others are served in between. */
  dropTagged(scope: string, tag: string): Promise<number>
  /** @param pattern - as Redis matches: `*`, `?`, `[abc]`, and `\` before what is meant literally. In pages. */
  dropMatching(scope: string, pattern: string): Promise<number>
  /** False = it is not there. */
  expire(scope: string, key: string, ttlMs: number): Promise<boolean>
  /** Adds to a whole number, which begins at 0 with this time to live. @throws INVALID_ARGUMENT when it is no number. */
  increment(scope: string, key: string, by: number, ttlMs: number): Promise<number>
  /** Scopes in which something was put, of every tenant. @param namespace - null = every one. */
  scopes(namespace: string | null): Promise<readonly string[]>
  /** Keys that match, in no order; those beyond the limit are left out. In pages. */
  keys(scope: string, pattern: string, limit: number): Promise<readonly string[]>
  /** The right to make a value, for a while; null = somebody else has it. */
  lock(scope: string, key: string, ttlMs: number): Promise<Lock | null>
  close(): Promise<void>
}

export interface Entry {
  readonly key: string
  readonly value: string
  readonly ttlMs: number
  readonly tags: readonly string[]
}

export interface Lock {
  release(): Promise<void>
}

/** What matches every key. */
export const EVERYTHING = '*'

/** `<wall>/<namespace>`: no namespace holds a slash, and no wall does. */
export const scopeOf = (wall: string, namespace: string): string => `${wall}/${namespace}`
export const namespaceOf = (scope: string): string => scope.slice(scope.indexOf('/') + 1)
/** @param namespace - null = every one. */
export const isOf = (scope: string, namespace: string | null): boolean =>
  namespace === null || namespaceOf(scope) === namespace
