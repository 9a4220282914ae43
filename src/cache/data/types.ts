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

/** What was removed where, and what was made anew instead. */
export interface Invalidated {
  /** `(answers)` = answers of models. */
  readonly namespace: string
  readonly dropped: number
  readonly refreshed: number
}

export interface CacheCounts {
  readonly hits: number
  readonly misses: number
  /** Values that a loader made, and those that somebody else's loader made meanwhile. */
  readonly loaded: number
  readonly joined: number
  /** Copies that were served though their time was over, because whoever makes them was away or refused. */
  readonly stale: number
  /** Kept values that were of no use: damaged, of another key, refused by `parse`. */
  readonly unreadable: number
  /** Of what was served, as it is kept. */
  readonly bytes: number
}

/** What all processes counted together. */
export interface CacheStats extends CacheCounts {
  readonly namespace: string
  /** `(others)` = those beyond the first thousands. */
  readonly tenant: string
  /** Hits and joins of what was asked for, 0 to 1; null = nothing was. */
  readonly hitRate: number | null
  /** How long half, 95 and 99 of 100 reads took at most, ms; null = nothing was read, 10,000 = more than a second. */
  readonly readMs: {
    readonly p50: number | null
    readonly p95: number | null
    readonly p99: number | null
  }
}

/** Makes a value of a namespace when nobody waits for it: after an event, or to warm the cache. */
export type Loader = (key: string, owner: Owner) => unknown

/** How another program's answer is fetched and kept. */
export interface FetchOptions<T> extends Owner {
  readonly namespace: string
  /** Of the request; they are part of the key, by hash. */
  readonly headers?: Readonly<Record<string, string>>
  /** Until it is asked for again, at most; `max-age` may say less. Absent = the namespace's. ms, > 0. */
  readonly ttlMs?: number
  /** How much longer a copy is kept, to ask whether it has changed, and to serve while nobody answers. Absent = a day. */
  readonly staleMs?: number
  readonly tags?: readonly string[]
  /** How long to wait for an answer, ms; absent = 10,000. */
  readonly timeoutMs?: number
  /** Checks and shapes what came: JSON as its value, all else as text. Absent = it is believed. */
  readonly parse?: (value: unknown) => T
}

export interface Fetched<T> {
  readonly value: T
  /**
   * `cache`: a copy that may still be used. `fetched`: it came now. `revalidated`: it has not changed. `stale`: nobody
   * answered, or whoever was asked has had enough of us, and this is the last copy.
   */
  readonly from: 'cache' | 'fetched' | 'revalidated' | 'stale'
  /** When it was last known to be right, ms since 1970. */
  readonly checkedAtMs: number
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
  /**
   * Something happened: what depends on it goes, the user's own where a user is named, else the tenant's, else all. What
   * is to be refreshed by it is made anew where this process has a loader, and goes where it has none.
   */
  emit(event: string, owner?: Owner): Promise<readonly Invalidated[]>
  /** Tells how values of a namespace are made when nobody waits for them. The last one counts. */
  register(namespace: string, load: Loader): void
  /**
   * Makes what is missing of these keys by the namespace's registered loader. @returns how many it made.
   * @throws {BursarError} INVALID_ARGUMENT when no loader is registered; what the loader throws.
   */
  warm(namespace: string, keys: readonly string[], owner?: Owner): Promise<number>
  /**
   * GET, kept: asked for again only when its time is over, and then whether it has changed.
   * @throws {BursarError} FETCH_FAILED when there is no answer and no copy to serve instead.
   */
  cachedFetch<T = unknown>(url: string | URL, options: FetchOptions<T>): Promise<Fetched<T>>
  /** Since the start, in this process. */
  counts(): Readonly<Record<string, CacheCounts>>
  /**
   * Of all processes, by namespace and tenant; what was counted in the last seconds is not in it yet.
   * @param days - how many, today (UTC) included; 1 to 7, absent = 1.
   */
  stats(days?: number): Promise<readonly CacheStats[]>
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
