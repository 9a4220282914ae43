import type { TierChange, TierShelf } from './tier-shelf.ts'
import { userKey } from './user-key.ts'

/** Tiers that users were given, as this process knows them: by `userKey`. */
export type TierMap = ReadonlyMap<string, string>

export interface UserTiers {
  /** What is known now; looks again in the background when that is old. */
  current(): TierMap
  /** Looks again. @throws {BursarError} STORE_UNAVAILABLE. */
  refresh(): Promise<TierMap>
}

/** How old what is known may be: a tier that was set holds everywhere after it at the latest. */
const FRESH_MS = 3_000
const PAGE_CHANGES = 1_000

/** Follows a shelf: everything once, then what is new. The same map is the answer as long as nothing has changed. */
export function createUserTiers(shelf: TierShelf, now: () => number = Date.now): UserTiers {
  const known = new Map<string, TierChange>()
  let tiers: TierMap = new Map()
  let version = 0
  let readAtMs = Number.NEGATIVE_INFINITY
  let reading: Promise<TierMap> | null = null

  async function read(): Promise<TierMap> {
    try {
      let changed = false
      for (;;) {
        const changes = await shelf.read(version, PAGE_CHANGES)
        for (const change of changes) {
          known.set(userKey(change.tenant, change.user), change)
          version = Math.max(version, change.version)
          changed = true
        }
        if (changes.length < PAGE_CHANGES) break
      }
      readAtMs = now()
      if (dropOver(known, readAtMs) || changed) tiers = tiersOf(known)
      return tiers
    } finally {
      reading = null
    }
  }

  const refresh = () => {
    reading ??= read()
    return reading
  }
  return {
    refresh,
    current() {
      // What is known serves meanwhile, and while the shelf is away.
      if (now() - readAtMs >= FRESH_MS) refresh().catch(() => {})
      return tiers
    },
  }
}

/** @returns whether there was something to drop. */
function dropOver(known: Map<string, TierChange>, nowMs: number): boolean {
  const before = known.size
  for (const [user, { tier, untilMs }] of known) {
    if (tier === null || (untilMs !== null && untilMs <= nowMs)) known.delete(user)
  }
  return known.size < before
}

const tiersOf = (known: ReadonlyMap<string, TierChange>): TierMap =>
  new Map([...known].flatMap(([user, { tier }]) => (tier === null ? [] : [[user, tier]])))
