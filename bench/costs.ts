import type { Redis } from 'ioredis'
import { round } from './bench.ts'

/** CPU that calls took, microseconds each: less noisy than their rate where others use the machine. */
export interface Costs {
  /** Of this process. */
  readonly here: number
  /** Of Redis, its system time included. */
  readonly redis: number
}

/**
 * Keeps `lanes` busy with a piece of work for a while.
 * @param work - is told its lane, 0 and up.
 * @param redis - a connection that the work does not use.
 */
export async function costsOf(
  work: (lane: number) => Promise<unknown>,
  redis: Redis,
  { lanes, seconds }: { readonly lanes: number; readonly seconds: number },
): Promise<Costs> {
  const redisBefore = await redisMicros(redis)
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
  const used = (await redisMicros(redis)) - redisBefore
  return { here: round((user + system) / calls, 1), redis: round(used / calls, 1) }
}

async function redisMicros(redis: Redis): Promise<number> {
  const info = await redis.info('cpu')
  const seconds = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1])
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6
}
