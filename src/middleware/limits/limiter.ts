import { createMemoryStore } from '../../admission/memory.ts'
import type { LimitLine, LimitState } from '../../admission/plan-lines.ts'
import type { AdmissionStore } from '../../admission/store.ts'
import { createLink } from '../../client/link.ts'
import type { Options } from '../../config/options.ts'
import { BursarError } from '../../errors.ts'
import { realClock } from '../../queue/clock.ts'

export type RateLine = Exclude<LimitLine, { kind: 'concurrent' }>

/** Whether one more fitted, and how the limit stands; when it did not, `resetAtMs` is when one fits. */
export interface Taken {
  readonly fits: boolean
  readonly state: LimitState
}

/** Counts requests of an application in the slot, beside those of its jobs: one number for all of its processes. */
export interface Limiter {
  /** @throws {BursarError} STORE_UNAVAILABLE while nobody can count: Redis is away, or the slot is closed. */
  take(line: RateLine): Promise<Taken>
  close(): Promise<void>
}

type TakingStore = Pick<AdmissionStore, 'takeLimits'>

/** In the slot that Bursar was started with. Nothing is connected before the first request. */
export function slotLimiter(options: Options): Limiter {
  const link = createLink(options, realClock)
  return {
    take: (line) => link.use(({ store }) => takeOne(store, line)),
    close: () => link.close(),
  }
}

const TIDY_EVERY_MS = 60_000

/** In the memory of this process alone. @param now - ms since 1970. */
export function memoryLimiter(now: () => number = Date.now): Limiter {
  const store = createMemoryStore({ clock: now })
  const opened = store.open(1)
  let tidiedAtMs = now()
  return {
    async take(line) {
      await opened
      if (now() - tidiedAtMs >= TIDY_EVERY_MS) {
        tidiedAtMs = now()
        // Forgets, beside holds, limits that are whole again; there are no holds here.
        await store.expire(1)
      }
      return takeOne(store, line)
    },
    close: () => store.close(),
  }
}

async function takeOne(store: TakingStore, line: RateLine): Promise<Taken> {
  const reply = await store.takeLimits({ limits: [line] })
  const state = 'limits' in reply ? reply.limits[0] : undefined
  if (state) return { fits: reply.outcome === 'taken', state }
  throw new BursarError(
    'STORE_UNAVAILABLE',
    'nobody can count requests: the slot is closed, or Bursar never ran on this Redis (npx bursar start)',
    { retryable: true, detail: { retryAfterMs: 1_000 } },
  )
}
