import { Redis } from 'ioredis'
import type { WindowLine } from '../../src/admission/plan-lines.ts'
import { createRedisStore } from '../../src/admission/redis/store.ts'
import { attemptMeta } from '../helpers/attempt-meta.ts'

const DAY_MS = 86_400_000
export const MARKS = [50, 80, 95, 100]
export const LIMIT_NANO = 100_000

export interface Settling {
  readonly redisUrl: string
  readonly prefix: string
  /** Names the process: its attempts are its own. */
  readonly name: string
  readonly budgets: number
  /** Settlements of this process on each budget, and what each costs. */
  readonly each: number
  readonly costNano: number
  readonly nowMs: number
}

const LANES = 8

/** Admits and settles, all budgets in turn, as fast as it goes. */
export async function settleAll({ redisUrl, prefix, ...work }: Settling): Promise<void> {
  const redis = new Redis(redisUrl)
  const store = await createRedisStore({ redis, prefix })
  const { name, budgets, each, costNano, nowMs } = work
  const jobs = Array.from({ length: each * budgets }, (_, i) => ({ i, budget: i % budgets }))
  const lane = async () => {
    for (let job = jobs.shift(); job; job = jobs.shift()) {
      const attempt = `${name}-${job.i}/1`
      const line = windowOf(job.budget, nowMs)
      await settleOne(store, { attempt, job: `${name}-${job.i}`, line, costNano })
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  await store.close()
  redis.disconnect()
}

export const windowOf = (budget: number, nowMs: number): WindowLine => ({
  key: `b${budget}:${new Date(nowMs).toISOString().slice(0, 10)}`,
  startMs: Math.floor(nowMs / DAY_MS) * DAY_MS,
  endMs: (Math.floor(nowMs / DAY_MS) + 1) * DAY_MS,
  limitNano: LIMIT_NANO,
  marks: MARKS,
})

type Store = Awaited<ReturnType<typeof createRedisStore>>

interface Work {
  readonly attempt: string
  readonly job: string
  readonly line: WindowLine
  readonly costNano: number
}

/** One call that costs what it costs. */
export async function settleOne(store: Store, { attempt, job, line, costNano }: Work) {
  const meta = attemptMeta()
  const rung = { gate: 'openai:big', fixedNano: costNano, outputPico: 0, inputTokens: 0 }
  const held = await store.admit({
    ...{ attempt, job, policy: 1, windows: [line], limits: [], cacheKey: null, maxTakes: 3 },
    rungs: [{ ...rung, capTokens: 1, floorTokens: 1, until: null }],
    ...{ ttlMs: 60_000, meta },
  })
  if (held.outcome !== 'held') throw new Error(`${attempt}: ${held.outcome}`)
  const { atMs, holdNano } = held
  const settled = await store.settle({
    ...{ attempt, job, kind: 'settled', costNano, atMs, holdNano, windows: [line.key] },
    ...{ tokens: null, meta, detail: '', conclusion: null, cache: null, gate: null },
  })
  if (settled.outcome !== 'settled') throw new Error(`${attempt}: ${settled.outcome}`)
}
