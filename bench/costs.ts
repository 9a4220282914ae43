import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { round } from './bench.ts'

/** CPU that calls took, microseconds each: less noisy than their rate where others use the machine. */
export interface Costs {
  /** Of this process. */
  readonly here: number
  /** Of Redis, its system time included. */
  readonly redis: number
  /** Of the worker; 0 where there is none. */
  readonly worker: number
}

interface CostOptions {
  readonly lanes: number
  readonly seconds: number
  /** Answers `cpu` by the microseconds that it used so far (`tellCpu`). */
  readonly worker?: ChildProcess
}

/**
 * Keeps `lanes` busy with a piece of work for a while.
 * @param work - is told its lane, 0 and up.
 * @param redis - a connection that the work does not use.
 */
export async function costsOf(
  work: (lane: number) => Promise<unknown>,
  redis: Redis,
  { lanes, seconds, worker }: CostOptions,
): Promise<Costs> {
  const redisBefore = await redisMicros(redis)
  const workerBefore = await workerMicros(worker)
  const before = process.cpuUsage()
  const untilMs = performance.now() + seconds * 1_000
  let calls = 0
  const busy = async (lane: number) => {
    while (performance.now() < untilMs) {
      await work(lane)
      calls += 1
    }
  }
  await Promise.all(Array.from({ length: lanes }, (_, lane) => busy(lane)))
  const { user, system } = process.cpuUsage(before)
  const each = (micros: number) => round(micros / calls, 1)
  return {
    here: each(user + system),
    redis: each((await redisMicros(redis)) - redisBefore),
    worker: each((await workerMicros(worker)) - workerBefore),
  }
}

/** Lets the process that started this one ask what it uses. */
export function tellCpu(): void {
  process.on('message', (asked) => {
    const { user, system } = process.cpuUsage()
    if (asked === 'cpu') process.send?.({ cpuMicros: user + system })
  })
}

const Told = z.object({ cpuMicros: z.number() })

async function workerMicros(worker: ChildProcess | undefined): Promise<number> {
  if (!worker) return 0
  const told = once(worker, 'message')
  worker.send('cpu')
  return Told.parse((await told)[0]).cpuMicros
}

async function redisMicros(redis: Redis): Promise<number> {
  const info = await redis.info('cpu')
  const seconds = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1])
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6
}
