import { DelayedError, type Job, UnrecoverableError, WaitingError } from 'bullmq'
import { BursarError, messageOf } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { TakenBy } from './admit-request.ts'
import type { QueueBackend, QueueWorker } from './backend.ts'
import type { Clock } from './clock.ts'
import { concludeDenied } from './conclude.ts'
import type { WorkContext } from './context.ts'
import type { Abort, Disposition } from './disposition.ts'
import { type CompletionJob, readJob } from './job.ts'
import { exhausted } from './judge-admission.ts'
import { logged } from './logged.ts'
import { KEEP_ENDED, type QueueName } from './names.ts'
import { notePark } from './park-note.ts'
import { processRequest } from './process-request.ts'

export interface CompletionWorkerOptions {
  readonly queue: QueueName
  readonly backend: QueueBackend
  readonly concurrency: number
  /** How long a worker that went silent keeps its job, ms. */
  readonly lockMs: number
  /** How often jobs of silent workers are looked for, ms. */
  readonly stalledIntervalMs: number
  readonly context: WorkContext
}

export interface CompletionWorker {
  readonly name: QueueName
  ready(): Promise<void>
  /** Cuts a call short. @returns false when the job is not in hands here. */
  abort(job: string, reason: Abort): boolean
  /**
   * Takes nothing new, lets calls under way end, cuts off what is left after `limitMs`: sent calls are settled as
   * unknown, their jobs go back to the queue.
   */
  close(limitMs: number): Promise<void>
}

/** Takes by dead workers before a job counts as poison. */
const MAX_STALLED = 2
/**
 * BullMQ would fail such a job first and tell us afterwards: a worker that died in between left a caller waiting for
 * ever. So we end it ourselves, while the job is still ours.
 */
// The largest that PostgreSQL's integer takes, too.
const NEVER = 2 ** 31 - 1
const isPoison = (job: Job): boolean => job.stalledCounter > MAX_STALLED

/** A retry that BullMQ carries out after `delayMs`. */
class RetryError extends Error {
  readonly delayMs: number
  constructor(message: string, delayMs: number) {
    super(message)
    this.name = 'RetryError'
    this.delayMs = delayMs
  }
}

/** The request has ended as failed and its caller knows: for BullMQ's books alone. */
class ConcludedError extends UnrecoverableError {}

/** Runs `processRequest` for one queue. */
export function startCompletionWorker(options: CompletionWorkerOptions): CompletionWorker {
  const { queue, backend, concurrency, lockMs, stalledIntervalMs, context } = options
  const { logger, metrics } = context

  // BullMQ hands out the signal only to a processor that declares three parameters.
  const take = async (
    job: Job<CompletionJob, void>,
    token: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> => {
    const data = readOrRefuse(job.data)
    if (job.attemptsStarted === 1 && data.clockMs === 0) {
      metrics.queueWaitSeconds.observe({ queue }, (Date.now() - data.enqueuedAtMs) / 1_000)
    }
    const disposition = isPoison(job)
      ? await concludeDenied(data, context, 'failed', exhausted(job.attemptsStarted))
      : await processRequest(data, context, signal ?? new AbortController().signal, turnOf(job))
    if (disposition.do === 'finish') {
      context.explain?.(data, disposition.as, disposition.isStale)
    }
    await carryOut(disposition, job, token, context)
  }

  const worker = backend.openWorker(queue, take, {
    concurrency,
    lockDuration: lockMs,
    stalledInterval: stalledIntervalMs,
    maxStalledCount: NEVER,
    removeOnComplete: KEEP_ENDED,
    removeOnFail: KEEP_ENDED,
    settings: { backoffStrategy: (_made, _type, error) => delayOf(error) },
  })
  worker.on('error', (error) => logger.warn({ queue, reason: messageOf(error) }, 'queue trouble'))
  worker.on('lockRenewalFailed', (jobs: string[]) => {
    for (const job of jobs) worker.cancelJob(job, 'lock-lost' satisfies Abort)
  })
  worker.on('failed', (job, error) => void concludeLost(job, error, context))

  return {
    name: queue,
    ready: () => worker.waitUntilReady(),
    abort: (job, reason) => worker.cancelJob(job, reason),
    close: (limitMs) => drain(worker, limitMs, logger),
  }
}

/** A job that another version handed in may have no turn. */
const turnOf = ({ priority, attemptsStarted }: Job): TakenBy | undefined =>
  priority > 1 ? { priority, again: attemptsStarted > 1 } : undefined

function readOrRefuse(data: unknown): CompletionJob {
  try {
    return readJob(data)
  } catch (error) {
    throw new UnrecoverableError(messageOf(error))
  }
}

async function carryOut(
  disposition: Disposition,
  job: Job<CompletionJob, void>,
  token: string | undefined,
  { clock }: WorkContext,
): Promise<void> {
  switch (disposition.do) {
    case 'finish':
      return
    case 'fail':
      throw new ConcludedError(`${disposition.code}: ${disposition.message}`)
    case 'park':
      await notePark(job, disposition, clock.now())
      await job.moveToDelayed(Date.now() + parkMs(disposition, clock), token)
      throw new DelayedError()
    case 'give-back':
      await job.moveToWait(token)
      throw new WaitingError()
    case 'wait-turn':
      await job.changePriority({ priority: disposition.priority })
      await job.moveToWait(token)
      throw new WaitingError()
    case 'retry':
      throw new RetryError(disposition.why, realDelay(disposition.delayMs, clock.virtual))
  }
}

/** Virtual time passes at its own pace: look again soon, and let admission say whether it is time. */
const VIRTUAL_RECHECK_MS = 200
const realDelay = (delayMs: number, virtual: boolean): number =>
  virtual ? Math.min(delayMs, VIRTUAL_RECHECK_MS) : delayMs

/** Longer than any replay runs. */
const UNTIL_PROMOTED_MS = 24 * 3_600_000
const parkMs = ({ by, delayMs }: Extract<Disposition, { do: 'park' }>, clock: Clock): number =>
  clock.wakes && by === 'budget' ? UNTIL_PROMOTED_MS : realDelay(delayMs, clock.virtual)

const UNKNOWN_ERROR_DELAY_MS = 1_000
const delayOf = (error: Error | undefined): number =>
  error instanceof RetryError ? error.delayMs : UNKNOWN_ERROR_DELAY_MS

/** Jobs that BullMQ fails for good without our code: a caller waits for them all the same. */
async function concludeLost(
  job: Job<CompletionJob, void> | undefined,
  error: Error,
  context: WorkContext,
): Promise<void> {
  if (!job || error instanceof ConcludedError) return
  const again =
    job.attemptsMade < (job.opts.attempts ?? 1) && !(error instanceof UnrecoverableError)
  if (again) return
  context.logger.error({ ...logged(job.data), reason: messageOf(error) }, 'a job failed for good')
  try {
    const denied = exhausted(job.attemptsStarted)
    await concludeDenied(readJob(job.data), context, 'failed', denied)
  } catch (cause) {
    const reason = cause instanceof BursarError ? cause.code : messageOf(cause)
    context.logger.error({ ...logged(job.data), reason }, 'the end of a failed job was not written')
  }
}

async function drain(worker: QueueWorker, limitMs: number, logger: Logger): Promise<void> {
  const closed = worker.close()
  const timer = setTimeout(() => {
    logger.warn({ queue: worker.name }, 'calls are cut off: the time to shut down is over')
    worker.cancelAllJobs('drain' satisfies Abort)
  }, limitMs)
  try {
    await closed
  } finally {
    clearTimeout(timer)
  }
}
