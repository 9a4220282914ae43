import { BursarError } from '../errors.ts'
import { cancelJob } from '../queue/cancel.ts'
import type { Clock } from '../queue/clock.ts'
import type { ExplainCache } from '../queue/explain-cache.ts'
import { type Answered, readResult } from '../queue/result-body.ts'
import { createSharedRules } from '../queue/rules.ts'
import { readAnswer } from './answer.ts'
import type { OwnClient } from './client-type.ts'
import type { Link } from './link.ts'
import { quota } from './quota.ts'
import { quote } from './quote.ts'
import { createReadings } from './readings.ts'
import { openStream, piecesOf } from './stream.ts'
import { type HereRunner, handIn, type Submission, submit } from './submit.ts'
import type { CancelledJob, RunOptions } from './types.ts'
import type { Watching } from './watching.ts'

const DEFAULT_TIMEOUT_MS = 600_000
const CANCEL_RESULT_TTL_MS = 3_600_000

/**
 * The client's operations over a way to the slot and its queue. Closing it closes the link.
 * @param explain - told what the cache answered at once; absent = nobody wants to know.
 * @param here - calls providers in this process; absent = workers alone do.
 */
export function clientOver(
  link: Link,
  clock: Clock,
  explain?: ExplainCache,
  here?: HereRunner,
): OwnClient {
  const rules = createSharedRules(() => link.use(async ({ shelf }) => shelf))
  const submission: Submission = { link, rules, clock, readings: createReadings(), explain, here }

  const cancel = (jobId: string): Promise<CancelledJob> =>
    link.use(async ({ store, queues, guard }) => {
      const cancelling = () => cancelJob(jobId, store, queues(), CANCEL_RESULT_TTL_MS)
      const status = await (guard ? guard.run(cancelling) : cancelling())
      return { jobId, status: typeof status === 'string' ? status : 'ended' }
    })

  const wanted = (stream: boolean, options: RunOptions & Watching) => {
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS, onLimits, onJob } = options
    const told = { ...(onLimits && { onLimits }), ...(onJob && { onJob }) }
    return { stream, signal, timeoutMs, cancel, ...told }
  }

  return {
    run: (request, options = {}) =>
      link.use(async (parts) => {
        const { answered } = await submit(parts, submission, request, wanted(false, options))
        return readAnswer(await answered)
      }),
    enqueue: (request, options = {}) => handIn(submission, request, options),
    result: async (jobId, { timeoutMs = DEFAULT_TIMEOUT_MS } = {}) =>
      readAnswer(await resultOf(link, jobId, timeoutMs)),
    follow(jobId, { timeoutMs, signal }) {
      const answered = resultOf(link, jobId, timeoutMs, signal)
      const final = answered.then((one) => readAnswer(one))
      // It may fail before anybody awaits it.
      final.catch(() => {})
      return { final, parts: piecesOf(link, jobId, answered) }
    },
    stream: (request, options = {}) =>
      openStream(link, (parts) => submit(parts, submission, request, wanted(true, options))),
    cancel,
    quota: (who) => quota(submission, who),
    quote: (request) => quote(submission, request),
    prepare: async () => void (await rules.get()),
    close: () => link.close(),
  }
}

/** @param signal - aborted when nobody waits any more; the wait then ends with CANCELLED. */
const resultOf = (
  link: Link,
  jobId: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Answered> =>
  link.use(async ({ store, results }) => {
    const expected = results.expect(jobId, timeoutMs)
    const gone = new Promise<never>((_, reject) => {
      const leave = () => {
        expected.forget()
        reject(new BursarError('CANCELLED', `nobody waits for job ${jobId} any more`))
      }
      if (signal?.aborted) leave()
      else signal?.addEventListener('abort', leave, { once: true })
    })
    gone.catch(() => {})
    const known = await store.result(jobId)
    if (known !== null) expected.forget()
    return readResult(known ?? (await Promise.race([expected.result, gone])))
  })
