import { setTimeout as pause } from 'node:timers/promises'
import { budgetGrant } from '../../src/admin/budget/grant.ts'
import type { AdminPlace } from '../../src/admin/command.ts'
import { type Draw, drawInt, drawOne } from '../../src/cli/traffic/draw.ts'
import { isBursarError } from '../../src/errors.ts'
import type { Server } from '../../test/helpers/services/index.ts'
import type { Crew } from './crew.ts'
import type { PolicyFile } from './policy.ts'

export interface Victims {
  readonly redis: Server
  readonly crew: Crew
  readonly policy: PolicyFile
  /** Where an operator asks. */
  readonly place: AdminPlace
  readonly draw: Draw
}

/** What was done to Redis. */
export interface Harm {
  readonly kills: number
  /** Ends it; everything lives again. Rejects with what went wrong meanwhile. */
  stop(): Promise<void>
}

const WORKER_EVERY_MS = 2_500
const REDIS_EVERY_MS = 6_000
const POLICY_EVERY_MS = 2_000
const GRANT_EVERY_MS = 1_500
const LONGEST_AWAY_MS = 3_000

/** Kills workers and Redis, freezes Redis, takes it away for seconds, edits the policy and tops budgets up, all at the same time. */
export function startHarm({ redis, crew, policy, place, draw }: Victims): Harm {
  const stopped = new AbortController()
  let kills = 0

  const hurtRedis: Record<string, (ms: number) => Promise<void>> = {
    async freeze(ms) {
      await redis.pause()
      await pause(ms)
      await redis.resume()
    },
    async kill() {
      kills += 1
      await redis.kill()
      await redis.restart()
    },
    async away(ms) {
      kills += 1
      await redis.kill()
      await pause(ms)
      await redis.restart()
    },
  }

  /** Again and again, at times that nobody can foresee. */
  async function every(meanMs: number, act: () => Promise<void> | void): Promise<void> {
    const { signal } = stopped
    while (!signal.aborted) {
      await pause(meanMs * (0.5 + draw()), undefined, { signal }).catch(() => {})
      if (!signal.aborted) await act()
    }
  }

  const acts = [
    every(WORKER_EVERY_MS, () => crew.killOne()),
    every(REDIS_EVERY_MS, async () => {
      await drawOne(draw, Object.values(hurtRedis))?.(100 + drawInt(draw, LONGEST_AWAY_MS))
    }),
    every(POLICY_EVERY_MS, () => policy.edit()),
    every(GRANT_EVERY_MS, () => grant(place, policy)),
  ]
  // Whoever stops hears of a failure.
  for (const act of acts) act.catch(() => {})
  return {
    get kills() {
      return kills
    },
    async stop() {
      stopped.abort()
      await Promise.all(acts)
    },
  }
}

/** A slot that cannot be told now is told later, by a job; what was lost before the ledger knew it was never granted. */
async function grant(place: AdminPlace, policy: PolicyFile): Promise<void> {
  try {
    await budgetGrant.run(place, { ...policy.topUp(), reason: 'chaos' })
  } catch (error) {
    if (!isBursarError(error, 'STORE_UNAVAILABLE') && !isBursarError(error, 'SLOT_CLOSED'))
      throw error
  }
}
