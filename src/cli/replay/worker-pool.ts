import type { Environment } from '../../config/options.ts'
import { type Child, endChild, startChild } from '../traffic/children.ts'
import { createDraw, drawInt } from '../traffic/draw.ts'

export interface WorkerPoolOptions {
  readonly workers: number
  readonly env: Environment
  readonly log: string
  readonly seed: number
  /** Seconds between two kills; null = nobody is killed. */
  readonly killEveryS: number | null
}

/** Workers, each of which takes jobs and drains the outbox. */
export interface WorkerPool {
  /** How many were killed on purpose. */
  readonly killed: number
  /** How many ended though nobody asked them to: each is a fault. */
  readonly fallen: number
  /** No more kills. */
  spare(): void
  /** Lets them drain and end. */
  close(): Promise<void>
}

const CLOSE_LIMIT_MS = 60_000

/** Starts workers, keeps their number, and kills one by SIGKILL now and then when that is wanted. */
export async function startWorkers(options: WorkerPoolOptions): Promise<WorkerPool> {
  const { env, log, killEveryS } = options
  const draw = createDraw(options.seed)
  const workers = new Set<Child>()
  /** Only those are killed: on a slow machine nobody would ever get to work else. */
  const ready = new Set<Child>()
  const doomed = new Set<Child>()
  let closing = false
  let killed = 0
  let fallen = 0

  function start(): Child {
    const worker = startChild(['worker'], env, log)
    workers.add(worker)
    worker.ready.then(
      () => ready.add(worker),
      () => {}, // its end is what counts
    )
    void worker.ended.then(() => {
      workers.delete(worker)
      ready.delete(worker)
      if (closing) return
      if (!doomed.delete(worker)) fallen += 1
      start()
    })
    return worker
  }

  function killOne(): void {
    const living = [...ready].filter((worker) => worker.alive && !doomed.has(worker))
    const victim = living[drawInt(draw, living.length)]
    if (!victim) return
    doomed.add(victim)
    killed += 1
    victim.kill('SIGKILL')
  }

  async function close(): Promise<void> {
    clearInterval(killing)
    closing = true
    await Promise.all([...workers].map((worker) => endChild(worker, CLOSE_LIMIT_MS)))
  }

  let killing: NodeJS.Timeout | undefined
  try {
    const first = Array.from({ length: options.workers }, start)
    await Promise.all(first.map((worker) => worker.ready))
  } catch (error) {
    await close()
    throw error
  }
  if (killEveryS !== null) killing = setInterval(killOne, killEveryS * 1_000)
  return {
    get killed() {
      return killed
    },
    get fallen() {
      return fallen
    },
    spare: () => clearInterval(killing),
    close,
  }
}
