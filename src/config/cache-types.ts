import type { Nano } from '../money/nano.ts'
import type { Period } from './periods.ts'

/** Answers and data of one kind, kept apart under a name. */
export interface CacheNamespacePolicy {
  readonly ttlMs: number
  /** Names of application events that empty it. */
  readonly invalidateOn: readonly string[]
  /** Those at which it is made anew, where a process has a loader for it; it is emptied elsewhere. Absent = []. */
  readonly refreshOn?: readonly string[]
  /** When all of it goes every day, `HH:MM` in the policy's timezone; null or absent = never. */
  readonly refreshDaily?: string | null
  /** Open to every tenant; false keeps the tenant wall. */
  readonly shared: boolean
  /** Values above this many bytes are compressed; null = never, absent = 2 KiB. */
  readonly compressOverBytes?: number | null
  /** With BURSAR_CACHE_KEYS; absent = false. */
  readonly encrypt?: boolean
}

/** Who may be served an answer: the user who asked for it, the tenant, everybody; narrow to wide. */
export const CACHE_SHARES = ['user', 'tenant', 'shared'] as const
export type CacheShare = (typeof CACHE_SHARES)[number]

/**
 * What a request does with the cache. `on`: is served from it, and its answer is kept. `read`: is served, keeps nothing.
 * `write`: asks itself, and keeps the answer. `refresh`: asks anew, and replaces what is kept. `only`: is served from
 * the cache or not at all.
 */
export const CACHE_MODES = ['on', 'off', 'read', 'write', 'refresh', 'only'] as const
export type CacheMode = (typeof CACHE_MODES)[number]

export interface CachePolicy {
  readonly responses: {
    readonly enabled: boolean
    readonly ttlMs: number
    /** The longest that a request may ask for; absent = `ttlMs`. */
    readonly maxTtlMs?: number
    /** Of requests that ask for none; absent = `on`. */
    readonly mode?: CacheMode
    /** The widest wall; a request may ask for a narrower one. Absent = `tenant`. */
    readonly share?: CacheShare
    /** Another one makes every answer so far unfindable; absent = ''. */
    readonly prefix?: string
    /** Above it the answer is meant to differ from call to call; absent = 1. */
    readonly maxTemperature?: number
    /** Names of functions that only work something out. A request that offers another one is not cached. */
    readonly pureTools?: readonly string[]
    /** Words and phrases of questions whose answer is another one soon. Absent = none. */
    readonly skipWhen?: readonly string[]
    /** Least cosine similarity, 0..1; null = only equal requests hit. */
    readonly semanticThreshold?: number | null
    /** Answers above this many bytes are compressed; null = never. */
    readonly compressOverBytes?: number | null
    /** With BURSAR_CACHE_KEYS; absent = false. */
    readonly encrypt?: boolean
    /** For how long after its `ttlMs` an answer is served while a new one is asked for; absent = 0. */
    readonly staleWhileRevalidateMs?: number
    /** For how long after its `ttlMs` an answer is served to whom no budget is left; absent = 0. */
    readonly staleIfOverBudgetMs?: number
    /** Names of application events that end answers. Absent = none. */
    readonly invalidateOn?: readonly string[]
    /** Whether answers are found by the tags and the user of the request; absent = false. */
    readonly indexTags?: boolean
  }
  readonly embeddings?: { readonly enabled: boolean; readonly ttlMs: number }
  /** name -> namespace */
  readonly namespaces?: Readonly<Record<string, CacheNamespacePolicy>>
  /** Percent of the answers that should cost nothing; absent = nobody said. */
  readonly hitRateTarget?: number
  /** Absent = nothing is asked for so that it is there already when somebody wants it. */
  readonly warming?: WarmingPolicy
}

/** What may be spent on answers that nobody waits for yet. */
export interface WarmingPolicy {
  /** Whether prompts are learned and refreshed; false = an operator's alone. */
  readonly enabled: boolean
  readonly limitNano: Nano
  readonly per: Period
  /** How many prompts are kept warm, dearest first. */
  readonly top: number
}
