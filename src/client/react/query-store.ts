/** What is known of a question. `data` stays while it is asked anew, and after a failure. */
export interface Query<T> {
  readonly data: T | undefined
  /** Of the last time that it was asked; null = it was answered. */
  readonly error: unknown
  readonly isLoading: boolean
  /** When it was answered last, ms since 1970; null = never. */
  readonly updatedAtMs: number | null
}

export type Load<T> = (signal: AbortSignal) => Promise<T>

export interface QueryCounts {
  /** Components that found an answer, and those that had it asked for. */
  readonly hits: number
  readonly misses: number
  readonly failures: number
}

/** Answers of a page, each asked for once for all of its components. Knows nothing of React. */
export interface QueryStore {
  /** @returns stops listening. Nobody listens = what is under way is aborted, a moment later. */
  subscribe(key: string, listener: () => void): () => void
  read<T>(key: string): Query<T>
  /** Asks unless the answer is younger than `ttlMs`, or on its way. @param group - to count by. */
  ensure<T>(key: string, load: Load<T>, ttlMs: number, group: string): void
  /** Asks anew, or joins who asks already. Never rejects: the query says how it went. */
  refetch<T>(key: string, load: Load<T>): Promise<void>
  counts(): Readonly<Record<string, QueryCounts>>
}

interface Entry {
  query: Query<unknown>
  readonly listeners: Set<() => void>
  asking: { readonly done: Promise<void>; readonly controller: AbortController } | null
  leaving: ReturnType<typeof setTimeout> | null
}

const NOTHING: Query<never> = { data: undefined, error: null, isLoading: false, updatedAtMs: null }
/** Answers that nobody shows are kept for those who come back, so many at most. */
const MOST_UNSEEN = 500

export function createQueryStore(now: () => number = Date.now): QueryStore {
  const entries = new Map<string, Entry>()
  const counted = new Map<string, { hits: number; misses: number; failures: number }>()

  function entryOf(key: string): Entry {
    const known = entries.get(key)
    if (known) return known
    const made: Entry = { query: NOTHING, listeners: new Set(), asking: null, leaving: null }
    entries.set(key, made)
    return made
  }
  function put(entry: Entry, change: Partial<Query<unknown>>): void {
    entry.query = { ...entry.query, ...change }
    for (const listener of entry.listeners) listener()
  }
  function count(group: string, what: keyof QueryCounts): void {
    const before = counted.get(group) ?? { hits: 0, misses: 0, failures: 0 }
    counted.set(group, { ...before, [what]: before[what] + 1 })
  }

  function ask<T>(entry: Entry, load: Load<T>, group: string): Promise<void> {
    if (entry.asking) return entry.asking.done
    const controller = new AbortController()
    const { signal } = controller
    const run = async () => {
      // Nobody stayed until it began.
      if (signal.aborted) return
      try {
        const data = await load(signal)
        if (!signal.aborted) put(entry, { data, error: null, updatedAtMs: now() })
      } catch (error) {
        if (signal.aborted) return
        count(group, 'failures')
        put(entry, { error })
      } finally {
        // Who was aborted has a successor, or nobody.
        if (!signal.aborted) {
          entry.asking = null
          put(entry, { isLoading: false })
        }
      }
    }
    const asking = { controller, done: Promise.resolve().then(run) }
    entry.asking = asking
    put(entry, { isLoading: true })
    return asking.done
  }

  function leave(entry: Entry): void {
    entry.leaving = null
    entry.asking?.controller.abort()
    if (entry.asking) put(entry, { isLoading: false })
    entry.asking = null
    const unseen = [...entries].filter(([, one]) => one.listeners.size === 0)
    for (const [key] of unseen.slice(0, -MOST_UNSEEN)) entries.delete(key)
  }

  return {
    subscribe(key, listener) {
      const entry = entryOf(key)
      // The last one to be shown is the last one to be forgotten.
      entries.delete(key)
      entries.set(key, entry)
      if (entry.leaving !== null) clearTimeout(entry.leaving)
      entry.leaving = null
      entry.listeners.add(listener)
      return () => {
        entry.listeners.delete(listener)
        // A moment later: StrictMode, and a page that moves a component, come back at once.
        if (entry.listeners.size === 0) entry.leaving = setTimeout(() => leave(entry), 0)
      }
    },
    read: <T>(key: string) => (entries.get(key)?.query ?? NOTHING) as Query<T>,
    ensure(key, load, ttlMs, group) {
      const entry = entryOf(key)
      if (entry.asking) return
      const { updatedAtMs, error } = entry.query
      const isFresh = error === null && updatedAtMs !== null && now() - updatedAtMs < ttlMs
      count(group, isFresh ? 'hits' : 'misses')
      if (!isFresh) void ask(entry, load, group)
    },
    refetch: (key, load) => ask(entryOf(key), load, key),
    counts: () => Object.fromEntries(counted),
  }
}
