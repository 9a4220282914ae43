import { hostname } from 'node:os'
import { join } from 'node:path'
import { DelayedError, type Job, UnrecoverableError } from 'bullmq'
import { z } from 'zod'
import { actionLinks, linkSettings, recipientOf } from '../src/alerts/actions/links.ts'
import { createSenders } from '../src/alerts/channels/senders.ts'
import { type DeliverParts, deliver } from '../src/alerts/delivery/deliver.ts'
import {
  ALERT_QUEUE,
  createHandOver,
  type DeliverJob,
  DeliverJobSchema,
} from '../src/alerts/delivery/hand-over.ts'
import { alertsOf, channelsOf } from '../src/alerts/routes.ts'
import { render } from '../src/alerts/templates/render.ts'
import type { Options } from '../src/config/options.ts'
import { messageOf } from '../src/errors.ts'
import type { QueueBackend } from '../src/queue/backend.ts'
import type { Runtime } from '../src/runtime.ts'
import { levelFor } from '../src/telemetry/level-for.ts'

export interface AlertWorkerOptions extends Omit<DeliverParts, 'process' | 'claimMs'> {
  readonly backend: QueueBackend
  /** Messages that one process sends at a time. */
  readonly concurrency?: number
  /** How often it looks for what is due, ms. */
  readonly pollMs?: number
  /** Longer than a try takes: so long nobody else sends what a dead process was sending, ms. */
  readonly claimMs?: number
  /** Job locks of BullMQ, ms. */
  readonly lockMs?: number
  readonly stalledIntervalMs?: number
  /** Pauses are this many times as long; tests have no hours. */
  readonly pace?: number
}

export interface AlertWorker {
  /** Ends what is being sent, takes nothing more and closes what it opened. */
  close(): Promise<void>
}

// The largest that PostgreSQL's integer takes, too.
const NEVER = 2 ** 31 - 1

/** Sends alerts until it is closed. Any number of processes may run; each delivery is in the hands of one. */
export function startAlertWorker(options: AlertWorkerOptions): AlertWorker {
  const { backend, ledger, senders, logger, now } = options
  const { concurrency = 8, pollMs = 1_000, claimMs = 30_000, pace = 1 } = options
  const parts = { ...options, claimMs, process: `${hostname()}:${process.pid}` }
  const queue = backend.openQueue<DeliverJob>(ALERT_QUEUE).on('error', () => {})

  const take = async (job: Job<DeliverJob, void>, token: string | undefined): Promise<void> => {
    const done = await deliver(readDelivery(job.data), parts)
    if (done.state === 'again') return comeBack(job, done.inMs * pace, token)
    if (done.state === 'wait') return comeBack(job, done.forMs, token)
  }
  const worker = backend.openWorker<DeliverJob>(ALERT_QUEUE, take, {
    ...{ concurrency, lockDuration: options.lockMs ?? 30_000 },
    ...{ stalledInterval: options.stalledIntervalMs ?? 15_000, maxStalledCount: NEVER },
  })
  worker.on('error', (error) => logger.warn({ reason: messageOf(error) }, 'queue trouble'))
  worker.on('failed', (job, error) => {
    logger[levelFor(error)](
      { delivery: job?.data.delivery, reason: messageOf(error) },
      'not sent yet',
    )
  })

  const handOver = createHandOver(queue, ledger)
  const loop = startLoop(pollMs, async () => {
    try {
      await handOver.run(now())
    } catch (error) {
      logger[levelFor(error)]({ reason: messageOf(error) }, 'what is to be sent was not found')
    }
  })
  return {
    async close() {
      await loop.close()
      await worker.close()
      await queue.close()
      await senders.close()
    },
  }
}

/** Where messages lie while no mail server is known. */
export const alertFolder = ({ BURSAR_DATA }: Pick<Options, 'BURSAR_DATA'>): string =>
  join(BURSAR_DATA, 'alerts')

/** Wiring alone: a worker over a runtime, which the caller closes after it. */
export function startAlerts(runtime: Runtime): AlertWorker {
  const { options, rules, clock } = runtime
  const policy = () => alertsOf(rules.current().policy)
  const settings = linkSettings(options)
  return startAlertWorker({
    ...runtime,
    ...{ policy, render, now: () => clock.now() },
    senders: createSenders({ policy, folder: alertFolder(options) }),
    ...(settings && {
      links: (notice, channel) =>
        actionLinks(notice, recipientOf(channelsOf(policy()), channel), settings),
    }),
  })
}

async function comeBack(job: Job, inMs: number, token: string | undefined): Promise<never> {
  await job.moveToDelayed(Date.now() + Math.ceil(inMs), token)
  throw new DelayedError()
}

function readDelivery(data: unknown): string {
  const read = DeliverJobSchema.safeParse(data)
  if (read.success) return read.data.delivery
  throw new UnrecoverableError(z.prettifyError(read.error))
}

/** Runs work again and again, with a pause between the end of one and the next. */
function startLoop(pauseMs: number, work: () => Promise<void>) {
  let timer: NodeJS.Timeout | undefined
  let closed = false
  const turn = async (): Promise<void> => {
    await work()
    if (!closed) timer = setTimeout(run, pauseMs)
  }
  let running = Promise.resolve()
  const run = () => {
    running = turn()
  }
  run()
  return {
    async close() {
      closed = true
      clearTimeout(timer)
      await running
    },
  }
}
