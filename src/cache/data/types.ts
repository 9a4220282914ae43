/** Whose data it is. */
export interface Owner {
  /** Absent = the default tenant. A shared namespace has one wall for all of them. */
  readonly tenant?: string
  /** What one user's data is kept under, no other user finds. */
  readonly user?: string
}

export interface ReadOptions<T> extends Owner {
  /** Checks what was kept, e.g. a schema's `parse`; a value that it throws at is a miss. Absent = it is believed. */
  readonly parse?: (value: unknown) => T
}

export interface WriteOptions extends Owner {
  /** Absent = the namespace's. ms, > 0. */
  readonly ttlMs?: number
  /** What it depends on: `invalidateTag` empties by them. */
  readonly tags?: readonly string[]
}

/** What was removed where. */
export interface Invalidated {
  readonly namespace: string
  readonly dropped: number
}

export interface CacheCounts {
  readonly hits: number
  readonly misses: number
  /** Values that a loader made, and those that somebody else's loader made meanwhile. */
  readonly loaded: number
  readonly joined: number
  /** Kept values that were of no use: damaged, of another key, refused by `parse`. */
  readonly unreadable: number
}

/**
 * The application's own data, cached by namespaces of the policy. A value is whatever JSON can say; a miss is
 * `undefined`. While Redis is away it goes on in memory.
 * @throws {BursarError} INVALID_ARGUMENT for an unknown namespace, or what JSON cannot say.
 */
export interface DataCache {
  get<T>(namespace: string, key: string, options?: ReadOptions<T>): Promise<T | undefined>
  /** In the order asked. */
  mget<T>(
    namespace: string,
    keys: readonly string[],
    options?: ReadOptions<T>,
  ): Promise<readonly (T | undefined)[]>
  set(namespace: string, key: string, value: unknown, options?: WriteOptions): Promise<void>
  mset(
    namespace: string,
    values: Readonly<Record<string, unknown>>,
    options?: WriteOptions,
  ): Promise<void>
  /** The kept value, or the loader's: one loader runs for all who ask at the same time, in whatever process. */
  wrap<T>(
    namespace: string,
    key: string,
    load: () => Promise<T> | T,
    options?: ReadOptions<T> & WriteOptions,
  ): Promise<T>
  /** @returns how many were there. */
  delete(namespace: string, keys: string | readonly string[], owner?: Owner): Promise<number>
  exists(namespace: string, key: string, owner?: Owner): Promise<boolean>
  /** Adds to a whole number that begins at 0. @returns it. */
  increment(namespace: string, key: string, by?: number, options?: WriteOptions): Promise<number>
  /** False = it is not there. */
  expire(namespace: string, key: string, ttlMs: number, owner?: Owner): Promise<boolean>
  /** Collects operations, and runs them in one round trip. */
  batch(): Batch
  /** @param pattern - as Redis matches keys, e.g. `course:*`. @returns how many were dropped. */
  deletePattern(namespace: string, pattern: string, owner?: Owner): Promise<number>
  invalidateTag(namespace: string, tag: string, owner?: Owner): Promise<number>
  /** All of a user's data, in every namespace that is named. */
  invalidateUser(namespaces: readonly string[], owner: Owner & { user: string }): Promise<number>
  /** Something happened: what depends on it goes, the user's own where a user is named, else the tenant's, else all. */
  emit(event: string, owner?: Owner): Promise<readonly Invalidated[]>
  /** Since the start, in this process. */
  counts(): Readonly<Record<string, CacheCounts>>
  close(): Promise<void>
}

/** Operations that travel together. Each stands alone: one that fails fails the batch, and undoes no other. */
export interface Batch {
  get<T>(namespace: string, key: string, options?: ReadOptions<T>): Batch
  set(namespace: string, key: string, value: unknown, options?: WriteOptions): Batch
  delete(namespace: string, key: string, owner?: Owner): Batch
  exists(namespace: string, key: string, owner?: Owner): Batch
  /** @returns what each operation answered, in their order: get a value or undefined, set undefined, delete and exists a boolean. */
  run(): Promise<readonly unknown[]>
}
