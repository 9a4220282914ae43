import type { CacheNamespacePolicy } from '../../config/cache-types.ts'
import { BursarError } from '../../errors.ts'
import type { CodecSettings } from '../codec/codec.ts'

/** How one kind of data is cached. */
export interface Namespace extends CodecSettings {
  readonly name: string
  readonly ttlMs: number
  /** Application events that empty it. */
  readonly invalidateOn: readonly string[]
  /** Application events at which it is made anew, where somebody told how. */
  readonly refreshOn: readonly string[]
  /** When all of it goes every day, `HH:MM` in the policy's timezone; null = never. */
  readonly refreshDaily: string | null
  /** One wall for all tenants. */
  readonly shared: boolean
}

const MINUTE_MS = 60_000
const COMPRESS_OVER_BYTES = 2_048

/** What every program may use without a word in the policy, which overrides any of it. */
export const DEFAULT_NAMESPACES: Readonly<
  Record<string, Pick<CacheNamespacePolicy, 'ttlMs' | 'invalidateOn' | 'refreshOn'>>
> = {
  'user-context': { ttlMs: 5 * MINUTE_MS, invalidateOn: ['lesson.completed'] },
  profiles: { ttlMs: 60 * MINUTE_MS, invalidateOn: [] },
  progress: { ttlMs: 30 * MINUTE_MS, invalidateOn: ['progress.updated'] },
  'learning-paths': { ttlMs: 120 * MINUTE_MS, invalidateOn: [] },
  exercises: { ttlMs: 60 * MINUTE_MS, invalidateOn: [] },
  'code-analysis': { ttlMs: 15 * MINUTE_MS, invalidateOn: [] },
  recommendations: { ttlMs: 30 * MINUTE_MS, invalidateOn: [], refreshOn: ['progress.updated'] },
  search: { ttlMs: 10 * MINUTE_MS, invalidateOn: [] },
  metrics: { ttlMs: 5 * MINUTE_MS, invalidateOn: [] },
  posts: { ttlMs: 60 * MINUTE_MS, invalidateOn: [] },
  'struggling-areas': { ttlMs: 30 * MINUTE_MS, invalidateOn: [], refreshOn: ['progress.updated'] },
  personalization: { ttlMs: 60 * MINUTE_MS, invalidateOn: ['preferences.changed'] },
}

export interface Namespaces {
  /** @throws {BursarError} INVALID_ARGUMENT for a name that neither the policy nor the defaults have. */
  get(name: string): Namespace
  /** Those that an application event empties, and those that it makes anew. */
  emptiedBy(event: string): readonly Namespace[]
  refreshedBy(event: string): readonly Namespace[]
  readonly names: readonly string[]
}

/** @param policy - namespaces of the policy in force; each replaces the default of its name whole. */
export function createNamespaces(
  policy: Readonly<Record<string, CacheNamespacePolicy>>,
): Namespaces {
  const all = new Map<string, Namespace>()
  for (const [name, known] of Object.entries({ ...DEFAULT_NAMESPACES, ...policy })) {
    all.set(name, {
      name,
      ...{ shared: false, encrypt: false, compressOverBytes: COMPRESS_OVER_BYTES },
      ...{ refreshOn: [], refreshDaily: null },
      ...known,
    })
  }
  return {
    get(name) {
      const known = all.get(name)
      if (known) return known
      throw new BursarError(
        'INVALID_ARGUMENT',
        `the cache has no namespace ${JSON.stringify(name)}: write it under cache.namespaces of the policy, or use one of ${[...all.keys()].join(', ')}`,
      )
    },
    emptiedBy: (event) => [...all.values()].filter((one) => one.invalidateOn.includes(event)),
    // Who both empties and refreshes empties.
    refreshedBy: (event) =>
      [...all.values()].filter(
        (one) => one.refreshOn.includes(event) && !one.invalidateOn.includes(event),
      ),
    names: [...all.keys()],
  }
}
