import { LRUCache } from 'lru-cache'
import { BursarError, messageOf } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type ApiKey, type StoredKey, withoutSecrets } from './api-key.ts'
import { invalidKey, uncheckable } from './errors.ts'
import { faultOfKey } from './judge-key.ts'
import { type KeyStore, TOUCH_EVERY_MS } from './key-store.ts'
import { readKeyText } from './key-text.ts'

/** How old what is known of a key may be: a revocation is seen everywhere within a second, a slow lookup included. */
const FRESH_MS = 500
/** How long a key that was good lives on while the database is away. Nobody can revoke it there meanwhile. */
const OUTAGE_MS = 60_000
/** How long a lookup may take before the database counts as away. */
const LOOKUP_LIMIT_MS = 1_000
/** Apart from each other, so that a flood of invented keys pushes no good one out. */
const KNOWN_KEYS = 10_000
const UNKNOWN_KEYS = 10_000

export interface KeyGuardOptions {
  readonly store: Pick<KeyStore, 'find' | 'touch'>
  readonly logger: Logger
  /** UTC ms. */
  readonly now: () => number
}

/** Says who a key is, with at most one lookup of each key under way, and two a second. */
export interface KeyGuard {
  /** @throws {BursarError} INVALID_API_KEY with the reason, LEDGER_UNAVAILABLE. */
  check(text: string): Promise<ApiKey>
  /** Waits for what is being written. */
  close(): Promise<void>
}

interface Seen {
  readonly stored: StoredKey | null
  /** When it was asked for: what changed after that may be missing. */
  readonly askedAtMs: number
}

export function createKeyGuard({ store, logger, now }: KeyGuardOptions): KeyGuard {
  const known = new LRUCache<string, Seen>({ max: KNOWN_KEYS })
  const unknown = new LRUCache<string, Seen>({ max: UNKNOWN_KEYS })
  const lookups = new Map<string, Promise<Seen>>()
  const writes = new Set<Promise<void>>()
  let awayAtMs = Number.NEGATIVE_INFINITY

  // A clock that was set back makes nothing younger.
  const within = (atMs: number, limitMs: number) => {
    const ageMs = now() - atMs
    return ageMs >= 0 && ageMs < limitMs
  }

  async function lookUp(id: string): Promise<Seen> {
    const askedAtMs = now()
    try {
      const seen = { stored: await store.find(id), askedAtMs }
      ;(seen.stored ? known : unknown).set(id, seen)
      ;(seen.stored ? unknown : known).delete(id)
      return seen
    } finally {
      lookups.delete(id)
    }
  }

  function lookUpOnce(id: string): Promise<Seen> {
    const under = lookups.get(id)
    if (under) return under
    const lookup = lookUp(id)
    lookups.set(id, lookup)
    return lookup
  }

  async function find(id: string): Promise<StoredKey | null> {
    const seen = known.get(id) ?? unknown.get(id)
    if (seen && within(seen.askedAtMs, FRESH_MS)) return seen.stored
    const spare = seen?.stored && within(seen.askedAtMs, OUTAGE_MS) ? seen.stored : null
    // Asked again twice a second, not by everybody who comes.
    if (spare && within(awayAtMs, FRESH_MS)) return spare
    try {
      return (await inTime(lookUpOnce(id))).stored
    } catch (error) {
      awayAtMs = now()
      logger.warn(
        { key: id, livesOn: spare !== null, reason: messageOf(error) },
        'a key was not checked',
      )
      if (spare === null) throw uncheckable(error)
      return spare
    }
  }

  function touch({ id }: StoredKey): void {
    const seen = known.get(id)
    const nowMs = now()
    if (!seen?.stored || nowMs - (seen.stored.lastUsedAtMs ?? 0) < TOUCH_EVERY_MS) return
    // Others who waited for the same lookup come next.
    known.set(id, { ...seen, stored: { ...seen.stored, lastUsedAtMs: nowMs } })
    const write = store
      .touch(id, nowMs)
      .catch((error: unknown) => {
        logger.warn({ key: id, reason: messageOf(error) }, 'the last use of a key was not written')
      })
      .finally(() => writes.delete(write))
    writes.add(write)
  }

  return {
    async check(text) {
      const read = readKeyText(text)
      if (read.is !== 'key') throw invalidKey(read.is)
      const stored = await find(read.id)
      const fault = faultOfKey(stored, read.hash, now())
      if (fault !== null || stored === null) throw invalidKey(fault ?? 'unknown')
      touch(stored)
      return withoutSecrets(stored)
    },
    async close() {
      await Promise.all([...writes, ...[...lookups.values()].map((one) => one.catch(() => {}))])
    },
  }
}

/** A lookup that hangs goes on, and is joined by whoever asks next. */
function inTime<T>(lookup: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = new BursarError('LEDGER_UNAVAILABLE', `no answer within ${LOOKUP_LIMIT_MS} ms`)
    const timer = setTimeout(() => reject(late), LOOKUP_LIMIT_MS)
    lookup.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
