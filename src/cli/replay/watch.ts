import { setTimeout as pause } from 'node:timers/promises'
import { BursarError } from '../../errors.ts'
import type { Runtime } from '../../runtime.ts'
import { lookAtQueues, type QueueState } from '../traffic/queue-watch.ts'
import { createPromoter } from './promoter.ts'
import type { DriverClock } from './virtual-clock.ts'

/** What goes on beside the driving: the queues are looked at, windows roll, dead workers' holds run out. */
export interface Watch {
  /** As of the last look. */
  readonly queues: QueueState
  /** Resolves after the next look. Rejects once something failed, here or in what `fail` was told. */
  nextLook(): Promise<void>
  fail(error: unknown): void
  stop(): Promise<void>
}

const LOOK_MS = 100
const SWEEP_EVERY = 10
const PAGE_HOLDS = 200

/** @param told - called after each look; must not throw. */
export function startWatch(
  runtime: Runtime,
  clock: DriverClock,
  signal: AbortSignal,
  told: (queues: QueueState) => void,
): Watch {
  const promoter = createPromoter(runtime.queues, clock, runtime.rules.current().policy)
  const stopped = new AbortController()
  const ending = AbortSignal.any([signal, stopped.signal])
  let queues: QueueState = { busy: 0, delayed: 0 }
  let next = createTurn()
  let failed = false

  function fail(error: unknown): void {
    failed = true
    next.promise.catch(() => {}) // perhaps nobody waits just now; whoever comes next hears it
    next.reject(error)
  }

  async function look(at: number): Promise<void> {
    queues = await lookAtQueues(runtime.queues)
    await promoter.look()
    if (at % SWEEP_EVERY === 0) await runtime.store.expire(PAGE_HOLDS)
    told(queues)
    if (failed) return
    next.resolve()
    next = createTurn()
  }

  async function loop(): Promise<void> {
    for (let at = 0; !ending.aborted; at++) {
      await look(at)
      await pause(LOOK_MS, undefined, { signal: ending }).catch(() => {})
    }
    if (signal.aborted) fail(toldToStop())
  }

  const looping = loop().catch(fail)
  return {
    get queues() {
      return queues
    },
    nextLook: () => next.promise,
    fail,
    async stop() {
      stopped.abort()
      await looping
    },
  }
}

function createTurn() {
  let resolve = () => {}
  let reject = (_: unknown) => {}
  const promise = new Promise<void>((done, failed) => {
    resolve = done
    reject = failed
  })
  return { promise, resolve, reject }
}

const toldToStop = (): BursarError =>
  new BursarError('CANCELLED', 'the replay was told to stop: it is not judged, and spent nothing')
