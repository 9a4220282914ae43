import type { Answered } from '../queue/result-body.ts'
import type { LogSource } from '../queue/streams/follow.ts'
import { followAnswer } from '../queue/streams/follow-answer.ts'
import { RESTART, type StreamPart } from '../queue/streams/log-entry.ts'
import { type Answer, readAnswer } from './answer.ts'
import { iterateOnce } from './http/iterate-once.ts'
import type { Link, LinkParts } from './link.ts'
import type { Submitted } from './submit.ts'

/** A streamed answer: iterate it once for the pieces, await `final` for the whole and its receipt. */
export interface AnswerStream<R = unknown> extends AsyncIterable<StreamPart> {
  readonly jobId: Promise<string>
  readonly final: Promise<Answer<R>>
}

interface Started {
  readonly parts: LinkParts
  readonly submitted: Submitted
}

/** Starts a request and follows its log. Iterating fails with what `final` rejects with. */
export function openStream<R>(
  link: Link,
  start: (parts: LinkParts) => Promise<Submitted>,
): AnswerStream<R> {
  const { promise: started, resolve } = withResolver<Started>()
  const answered = link.use(async (parts) => {
    const submitted = await start(parts)
    resolve({ parts, submitted })
    return submitted.answered
  })
  const failed = answered.then(() => new Promise<never>(() => {}))
  const jobId = Promise.race([started.then(({ submitted }) => submitted.jobId), failed])
  const final = answered.then((one) => readAnswer<R>(one))
  // Whoever looks at one of the promises alone must not die of the others.
  for (const one of [jobId, final, failed]) one.catch(() => {})
  return {
    jobId,
    final,
    [Symbol.asyncIterator]: iterateOnce(() =>
      pieces(link, Promise.race([started, failed]), answered),
    ),
  }
}

async function* pieces(
  link: Link,
  started: Promise<Started>,
  answered: Promise<Answered>,
): AsyncGenerator<StreamPart, void> {
  const { parts, submitted } = await started
  const logs = submitted.logs ?? keptAlive(link, parts.logs())
  const ending = answered.then(({ receipt }) => receipt)
  ending.catch(() => {})
  const log = followAnswer(logs, submitted.jobId, ending)
  let seen = false
  for (;;) {
    const next = await log.next()
    if (next.done) {
      const { text, response } = await answered
      if (next.value) return
      // A cached answer has no log, and a broken log has no end: the answer then comes in one piece.
      if (seen) yield RESTART
      yield { text, data: response, restart: false }
      return
    }
    seen = true
    yield next.value
  }
}

/** The pieces of a job that somebody handed in, from the first on; nothing where it has no log. */
export async function* piecesOf(
  link: Link,
  jobId: string,
  answered: Promise<Answered>,
): AsyncGenerator<StreamPart, void> {
  const logs = await link.use(async (parts) => keptAlive(link, parts.logs()))
  const ending = answered.then(({ receipt }) => receipt)
  ending.catch(() => {})
  yield* followAnswer(logs, jobId, ending)
}

const keptAlive = (link: Link, logs: LogSource): LogSource => ({
  ...logs,
  async subscribe(job, listener) {
    const stop = await link.use(() => logs.subscribe(job, listener))
    // A client that was closed meanwhile has ended its subscriptions already.
    return () => link.use(stop).catch(() => {})
  },
  range: (job, afterId, limit) => link.use(() => logs.range(job, afterId, limit)),
})

function withResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve = (_value: T) => {}
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
