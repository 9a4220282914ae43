import { EventEmitter } from 'node:events'
import type { Outbox } from '../src/admission/outbox.ts'
import { BursarError, messageOf } from '../src/errors.ts'
import { type DrainedBatch, type DrainResult, drainOnce } from '../src/ledger/drain.ts'
import type { Ledger } from '../src/ledger/ledger.ts'
import type { Runtime } from '../src/runtime.ts'

export interface LedgerWorkerOptions {
  readonly ledger: Ledger
  readonly outbox: Outbox
  /** Entries per transaction, >= 1. */
  readonly batch?: number
  /** How long an empty outbox is left alone when nobody nudges, ms. */
  readonly pollMs?: number
  /** Longest wait between two tries while something is down, ms. */
  readonly maxBackoffMs?: number
}

export interface LedgerWorkerEvents {
  /** A batch is in the ledger. */
  drained: [batch: DrainedBatch]
  /** Everything that was in the outbox is in the ledger. */
  idle: []
  /** The slot is closed, or of another epoch than the ledger; tried again after a pause. */
  waiting: [reason: 'closed' | 'epoch-changed']
  /** LEDGER_CONFLICT (raise an alert: a posting came twice with different content), or why a try failed. */
  failed: [error: unknown]
}

export interface LedgerWorker {
  readonly events: EventEmitter<LedgerWorkerEvents>
  /** Since the start: entries read, new postings, batches, tries that failed. */
  readonly drained: Readonly<DrainCounters>
  /** Looks into the outbox now instead of at the next poll. Cheap; does not shorten a pause after a failure. */
  nudge(): void
  /** Finishes the batch under way and stops. Safe to call twice. */
  close(): Promise<void>
}

export interface DrainCounters {
  entries: number
  postings: number
  batches: number
  failures: number
}

const FIRST_BACKOFF_MS = 100

/**
 * Drains the outbox into the ledger until it is closed. Any number may run: they take turns. While Redis or
 * PostgreSQL is down it keeps trying, further and further apart. The caller closes it before ledger and outbox.
 */
export function startLedgerWorker(options: LedgerWorkerOptions): LedgerWorker {
  const { ledger, outbox, batch = 500, pollMs = 250, maxBackoffMs = 10_000 } = options
  const events = new EventEmitter<LedgerWorkerEvents>()
  const drained: DrainCounters = { entries: 0, postings: 0, batches: 0, failures: 0 }
  const bell = createBell()
  let closed = false
  let failuresInARow = 0

  const step = async (): Promise<void> => {
    try {
      const result = await drainOnce(ledger, outbox, { batch })
      failuresInARow = 0
      report(result)
      if (result.state !== 'drained' || !result.more) await bell.wait(pollMs)
    } catch (error) {
      failuresInARow += 1
      drained.failures += 1
      events.emit('failed', error)
      await bell.pause(backoffMs(failuresInARow, maxBackoffMs))
    }
  }

  const report = (result: DrainResult): void => {
    if (result.state === 'closed' || result.state === 'epoch-changed') {
      events.emit('waiting', result.state)
      return
    }
    if (result.state === 'drained') {
      drained.entries += result.entries
      drained.postings += result.postings
      drained.batches += 1
      if (result.conflicts.length > 0) events.emit('failed', conflictError(result))
      events.emit('drained', result)
    }
    if (result.state === 'empty' || !result.more) events.emit('idle')
  }

  const loop = async (): Promise<void> => {
    while (!closed) await step()
  }
  const ended = loop()

  return {
    events,
    drained,
    nudge: bell.ring,
    async close() {
      closed = true
      bell.end()
      await ended
    },
  }
}

/** Half of the pause is random, so that workers cut off together do not come back together. */
const backoffMs = (failures: number, maxMs: number): number =>
  Math.min(maxMs, FIRST_BACKOFF_MS * 2 ** Math.min(failures - 1, 20)) * (0.5 + Math.random() / 2)

const conflictError = ({ conflicts }: DrainedBatch): BursarError =>
  new BursarError(
    'LEDGER_CONFLICT',
    `${conflicts.length} postings came again with another content; the first ones count. ` +
      "Compare `kept` and `refused` in the table ledger_conflicts with the provider's bill",
    { detail: { conflicts } },
  )

/** Waits that others can cut short: a ring while nobody waits counts for the next wait. */
function createBell() {
  let rung = false
  let over = false
  let wake: (() => void) | undefined
  const sleep = (ms: number, wakeable: boolean): Promise<void> =>
    new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        wake = undefined
        resolve()
      }
      const timer = setTimeout(done, ms)
      wake = () => {
        if (wakeable || over) done()
      }
    })
  return {
    /** Ends at a ring. */
    async wait(ms: number): Promise<void> {
      if (!rung && !over) await sleep(ms, true)
      rung = false
    },
    /** Ends at `end` alone. */
    async pause(ms: number): Promise<void> {
      if (!over) await sleep(ms, false)
    },
    ring(): void {
      rung = true
      wake?.()
    },
    end(): void {
      over = true
      wake?.()
    },
  }
}

/** The drain as one of the roles of a process. */
export function startLedger({
  ledger,
  store,
  options,
  logger,
}: Pick<Runtime, 'ledger' | 'store' | 'options' | 'logger'>): LedgerWorker {
  const worker = startLedgerWorker({ ledger, outbox: store.outbox, batch: options.LEDGER_BATCH })
  worker.events.on('failed', (error) => {
    logger.error({ reason: messageOf(error) }, 'the outbox was not drained; trying again')
  })
  worker.events.on('waiting', (reason) => logger.warn({ reason }, 'the outbox waits for its slot'))
  return worker
}
