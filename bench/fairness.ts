import { randomUUID } from 'node:crypto'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import type { RungOffer, TurnAsk, TurnTaken } from '../src/admission/plan-lines.ts'
import { createRedisStore } from '../src/admission/redis/store.ts'
import { connectCommands } from '../src/queue/connection.ts'
import { startRedis } from '../test/helpers/services/index.ts'
import { type Bench, round } from './bench.ts'

/** One tenant hands in a hundred times as much as each of the others, before them. */
const SMALL_TENANTS = 9
const SMALL_JOBS = 100
const BACKLOG = 100 * SMALL_JOBS
const CONCURRENCY = 8
/** What a call takes: long beside what the queue does, so that order is what is measured. */
const CALL_MS = 2
const QUEUE = 'interactive'
const PREFIX = '{fairness}'

interface Call {
  readonly tenant: string
}
type Turns = 'fair' | 'fifo'

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })

const askOf = (tenant: string): TurnAsk => ({
  ...{ queue: QUEUE, flow: `basic/${tenant}`, costNano: 1_000, weight: 1 },
})

/** Jain's index of what each tenant was served: 1 = all alike, 1/n = one has everything. */
export function jain(served: readonly number[]): number {
  const sum = served.reduce((total, count) => total + count, 0)
  const squares = served.reduce((total, count) => total + count * count, 0)
  return squares === 0 ? 0 : (sum * sum) / (served.length * squares)
}

const percentile = (sorted: readonly number[], percent: number): number =>
  sorted[Math.min(Math.floor((sorted.length * percent) / 100), sorted.length - 1)] ?? 0

interface Served {
  /** Until the small tenants' last job was done. */
  readonly jain: number
  readonly smallP50Ms: number
  readonly smallP99Ms: number
  readonly jobsPerSecond: number
}

/** Runs the same backlog once, with turns or without. */
async function serve(url: string, turns: Turns): Promise<Served> {
  const redis = connectCommands({ url, name: 'bench', timeoutMs: 10_000 })
  const connection = new Redis(url, { maxRetriesPerRequest: null })
  const store = await createRedisStore({ redis, prefix: `{${turns}}` })
  await store.open(1)
  const queue = new Queue<Call>(`${QUEUE}-${turns}`, { connection, prefix: PREFIX })
  const intake = (id: string, turn?: TurnAsk) =>
    store.intake({
      ...{ job: id, limits: [], cacheKey: null, meta: '{}', body: null },
      ...(turn && { turn }),
    })
  const handIn = async (tenant: string): Promise<void> => {
    const id = randomUUID()
    const reply = await intake(id, turns === 'fair' ? askOf(tenant) : undefined)
    if (reply.outcome !== 'queued') throw new Error(`expected a place, got ${reply.outcome}`)
    await queue.add('call', { tenant }, { jobId: id, priority: Math.max(reply.priority, 1) })
  }
  const small = Array.from({ length: SMALL_TENANTS }, (_, i) => `small-${i}`)
  for (let i = 0; i < BACKLOG; i += 500) {
    await Promise.all(Array.from({ length: 500 }, () => handIn('large')))
  }
  for (let i = 0; i < SMALL_JOBS; i++) await Promise.all(small.map(handIn))
  try {
    return await workOff(turns, small, { store, connection })
  } finally {
    await queue.close()
    connection.disconnect()
    redis.disconnect()
  }
}

async function workOff(
  turns: Turns,
  small: readonly string[],
  { store, connection }: Parts,
): Promise<Served> {
  const served = new Map<string, number>()
  const waitsMs: number[] = []
  const startMs = performance.now()
  let done = () => {}
  let fail = (_error: Error) => {}
  const all = new Promise<void>((resolve, reject) => {
    done = resolve
    fail = reject
  })
  const worker = new Worker<Call>(
    `${QUEUE}-${turns}`,
    async (job) => {
      const { tenant } = job.data
      const turn = { ...askOf(tenant), priority: job.priority, again: false }
      await take(store, job.id ?? '', turns === 'fair' ? { turn } : {})
      await pause(CALL_MS)
      if (waitsMs.length === SMALL_TENANTS * SMALL_JOBS) return
      served.set(tenant, (served.get(tenant) ?? 0) + 1)
      if (tenant === 'large') return
      waitsMs.push(performance.now() - startMs)
      if (waitsMs.length === SMALL_TENANTS * SMALL_JOBS) done()
    },
    { connection, prefix: PREFIX, concurrency: CONCURRENCY, removeOnComplete: { count: 0 } },
  )
  worker.on('failed', (_job, error) => fail(error))
  await all
  const seconds = (performance.now() - startMs) / 1_000
  await worker.close()
  waitsMs.sort((a, b) => a - b)
  const counts = ['large', ...small].map((tenant) => served.get(tenant) ?? 0)
  return {
    jain: jain(counts),
    smallP50Ms: percentile(waitsMs, 50),
    smallP99Ms: percentile(waitsMs, 99),
    jobsPerSecond: counts.reduce((sum, count) => sum + count, 0) / seconds,
  }
}

interface Parts {
  readonly store: Awaited<ReturnType<typeof createRedisStore>>
  readonly connection: Redis
}

const FREE: RungOffer = {
  ...{ gate: 'local:free', fixedNano: 0, outputPico: 0, capTokens: 1, floorTokens: 1 },
  ...{ until: null, inputTokens: 1 },
}

/** An admission that costs nothing and holds nobody up; with a turn it moves virtual time. */
async function take(store: Parts['store'], job: string, by: { turn?: TurnTaken }): Promise<void> {
  const { outcome } = await store.admit({
    ...{ attempt: `${job}/1`, job, policy: 1, windows: [], rungs: [FREE], limits: [] },
    ...{ cacheKey: null, maxTakes: 3, ttlMs: 60_000, meta: '{}', ...by },
  })
  if (outcome !== 'held') throw new Error(`expected a hold, got ${outcome}`)
}

/**
 * A tenant with a hundred times the backlog of each of nine others, all of one weight: how evenly they are served until
 * the nine are done, and how long the nine wait, with turns and first come, first served, in the same run.
 */
export const bench: Bench = async ({ note }) => {
  const server = await startRedis({ appendfsync: 'no', args: ['--appendonly', 'no'] })
  try {
    note(`${BACKLOG} jobs of one tenant before ${SMALL_JOBS} each of ${SMALL_TENANTS} others`)
    const fair = await serve(server.url, 'fair')
    note('the same, first come, first served')
    const fifo = await serve(server.url, 'fifo')
    return {
      tenants: SMALL_TENANTS + 1,
      backlog: BACKLOG,
      jobsEach: SMALL_JOBS,
      jainFair: round(fair.jain),
      jainFifo: round(fifo.jain),
      smallP50FairMs: round(fair.smallP50Ms, 0),
      smallP50FifoMs: round(fifo.smallP50Ms, 0),
      smallP99FairMs: round(fair.smallP99Ms, 0),
      smallP99FifoMs: round(fifo.smallP99Ms, 0),
      fairJobsPerSecond: round(fair.jobsPerSecond, 0),
      fifoJobsPerSecond: round(fifo.jobsPerSecond, 0),
    }
  } finally {
    await server.stop()
  }
}
