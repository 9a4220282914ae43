import { randomUUID } from 'node:crypto'
import type { AdmissionStore, Signals } from '../admission/store.ts'
import { Passing } from '../collections/passing.ts'
import { BursarError } from '../errors.ts'
import type { AwaitedJob, LossWatch } from './lost-jobs.ts'

/** Results on their way back to this process. */
export interface Results {
  /** Name of the reply channel; travels with each job. */
  readonly client: string
  /** Begins to listen, if nobody does yet: what is published before that is found a second later. */
  listen(): void
  /**
   * Expects a result; call it BEFORE the job is handed in, so that none is missed.
   * @returns what the slot stores. Rejects with WAIT_TIMEOUT; the request itself goes on then. Rejects with QUEUE_LOST
   * when Redis lost the job: it is to be handed in again, under the same id.
   */
  expect(job: string, limitMs: number): Expectation
  close(): Promise<void>
}

export interface Expectation {
  readonly result: Promise<string>
  /** Nobody waits any more; `result` never settles after it. */
  forget(): void
}

interface Waiter {
  resolve(result: string): void
  reject(error: BursarError): void
  readonly timer: NodeJS.Timeout
}

/** A published result can be missed while the subscriber reconnects; a stored one cannot. */
const SWEEP_MS = 1_000
const SWEEP_JOBS = 500

interface Pending extends AwaitedJob {
  readonly waiters: Waiter[]
}

type ResultsStore = Pick<AdmissionStore, 'results'> & Pick<Signals, 'onResult'>

/**
 * Listens on one reply channel, and asks for everything pending each second, so that a result is found within that
 * time whatever happens to the subscriber. The sweep runs, and keeps the process alive, only while somebody waits.
 * @param losses - absent = no job is ever lost.
 */
export function createResults(store: ResultsStore, losses?: LossWatch): Results {
  const client = randomUUID()
  const pending = new Passing<Pending>()
  let sweep: NodeJS.Timeout | undefined
  let subscription: Promise<() => Promise<void>> | null = null

  function end(job: string, tell: (waiter: Waiter) => void): void {
    const { waiters = [] } = pending.delete(job) ?? {}
    if (pending.size === 0) stopSweep()
    for (const waiter of waiters) {
      clearTimeout(waiter.timer)
      tell(waiter)
    }
  }

  const deliver = (job: string, result: string) => end(job, ({ resolve }) => resolve(result))

  function drop(job: string, waiter: Waiter): void {
    clearTimeout(waiter.timer)
    const { waiters = [] } = pending.get(job) ?? {}
    const at = waiters.indexOf(waiter)
    if (at < 0) return
    waiters.splice(at, 1)
    if (waiters.length > 0) return
    pending.delete(job)
    if (pending.size === 0) stopSweep()
  }

  function stopSweep(): void {
    clearInterval(sweep)
    sweep = undefined
  }

  async function lookAgain(): Promise<void> {
    const jobs = [...pending.names()]
    for (let at = 0; at < jobs.length; at += SWEEP_JOBS) {
      const page = jobs.slice(at, at + SWEEP_JOBS)
      const found = await store.results(page)
      for (const [i, result] of found.entries()) {
        const job = page[i]
        if (result !== null && job !== undefined) deliver(job, result)
      }
    }
    const gone = (await losses?.lost([...pending.values()])) ?? []
    for (const job of gone) end(job, ({ reject }) => reject(queueLost(job)))
  }

  /** The sweep finds what a failed subscription misses; the next call subscribes again. */
  function subscribe(): void {
    subscription ??= store.onResult(client, deliver)
    subscription.catch(() => {
      subscription = null
    })
  }

  return {
    client,
    listen: subscribe,
    expect(job, limitMs) {
      subscribe()
      sweep ??= setInterval(() => void lookAgain().catch(() => {}), SWEEP_MS)
      let forget = () => {}
      const result = new Promise<string>((resolve, reject) => {
        const timer = setTimeout(() => {
          forget()
          reject(timedOut(job, limitMs))
        }, limitMs)
        const waiter: Waiter = { resolve, reject, timer }
        forget = () => drop(job, waiter)
        const life = losses?.life() ?? 0
        const known = pending.get(job)
        if (known) known.waiters.push(waiter)
        else pending.set(job, { job, life, missed: 0, waiters: [waiter] })
      })
      // Its time may end before anybody awaits it: while the job is still being handed in, or after that failed.
      result.catch(() => {})
      return { result, forget: () => forget() }
    },
    async close() {
      for (const { job, waiters } of [...pending.values()]) {
        for (const waiter of [...waiters]) drop(job, waiter)
      }
      const stop = await subscription?.catch(() => null)
      await stop?.()
    },
  }
}

const queueLost = (job: string): BursarError =>
  new BursarError(
    'QUEUE_LOST',
    `Redis lost its data and job ${job} with it, before it ended: send the request again under the same jobId; if it was answered after all, that answer comes back`,
    { retryable: true, detail: { jobId: job } },
  )

const timedOut = (job: string, limitMs: number): BursarError =>
  new BursarError(
    'WAIT_TIMEOUT',
    `no answer to ${job} within ${limitMs} ms; it goes on: ask result('${job}') later, or cancel('${job}')`,
    { retryable: true, detail: { jobId: job, limitMs } },
  )
