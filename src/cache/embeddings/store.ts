/**
 * Where vectors are kept: texts by `<wall>:<hash>`, dropped when their time is over.
 * @throws {BursarError} STORE_UNAVAILABLE.
 */
export interface VectorStore {
  /** In the order asked, in one round trip; null = unknown. */
  get(keys: readonly string[]): Promise<readonly (string | null)[]>
  /** In one round trip. */
  put(entries: ReadonlyMap<string, string>, ttlMs: number): Promise<void>
  drop(keys: readonly string[]): Promise<void>
  /**
   * Looks through all keys, in pages: for operators.
   * @param begin - of the keys: a tenant's hash for its and its users', `shared`, '' for all.
   */
  count(begin: string): Promise<number>
  /** @returns how many were dropped. In pages, so that others are served in between. */
  clear(begin: string): Promise<number>
}
