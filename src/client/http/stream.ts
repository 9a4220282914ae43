import { BursarError, isBursarError } from '../../errors.ts'
import type { RateLimit } from '../../queue/receipt.ts'
import type { StreamPart } from '../../queue/streams/log-entry.ts'
import type { Answer } from '../answer.ts'
import type { AnswerStream } from '../stream.ts'
import { createInbox, type Inbox } from './inbox.ts'
import { iterateOnce } from './iterate-once.ts'
import type { HttpLink, OnLimit } from './link.ts'
import { createPatience, type Patience, timedOut } from './patience.ts'
import { parseJson, readError, readJob, readPart, unreadable } from './read-reply.ts'
import { createSseParser, type SseEvent } from './sse-parser.ts'
import { withRateLimit } from './told-limits.ts'

/** Twice what passes between two heartbeats of the gateway, and some more. */
const SILENCE_MS = 45_000
const LONGEST_WAIT_MS = 600_000
const RESTART: StreamPart = { text: '', data: null, restart: true }

export interface StreamWait {
  readonly jobId: string
  /** How the request is handed in, and joined again when the connection broke; may throw what is wrong with it. */
  body(): string
  readonly timeoutMs: number
}

/**
 * Starts a request and follows its event stream. Iterating fails with what `final` rejects with.
 * @param orAborted - ends the wait when the caller aborts.
 */
export function openHttpStream<R>(
  link: HttpLink,
  wait: StreamWait,
  orAborted: (work: (signal: AbortSignal) => Promise<Answer>) => Promise<Answer>,
): AnswerStream<R> {
  const inbox = createInbox<StreamPart>()
  let accept = (_jobId: string) => {}
  const accepted = new Promise<string>((resolve) => {
    accept = resolve
  })
  const answered = orAborted(async (signal) =>
    follow(link, wait, createPatience(wait.timeoutMs, signal), inbox, accept),
  )
  const final = answered as Promise<Answer<R>>
  const jobId = Promise.race([accepted, answered.then(() => wait.jobId)])
  answered.then(
    () => inbox.end(),
    (error: unknown) => inbox.fail(error),
  )
  // Whoever looks at one of the promises alone must not die of the others.
  for (const one of [final, jobId]) one.catch(() => {})
  return {
    jobId,
    final,
    [Symbol.asyncIterator]: iterateOnce(() => inbox.items()),
  }
}

/** Reads the stream to its end, joining it again when the connection breaks: it then starts over. */
async function follow(
  link: HttpLink,
  { jobId, body: write, timeoutMs }: StreamWait,
  patience: Patience,
  inbox: Inbox<StreamPart>,
  accept: (jobId: string) => void,
): Promise<Answer> {
  const body = write()
  let seen = false
  let rateLimit: RateLimit | null = null
  const onLimit = (told: RateLimit) => {
    rateLimit ??= told
  }
  do {
    let restart = seen
    const onPart = (part: StreamPart) => {
      if (restart) inbox.put(RESTART)
      restart = false
      seen = true
      inbox.put(part)
    }
    const onJob = () => {
      patience.accepted()
      accept(jobId)
    }
    try {
      const answer = await readStream(link, body, patience, { onJob, onPart, onLimit })
      return withRateLimit(answer, rateLimit)
    } catch (error) {
      if (!isBursarError(error)) throw error
      if (!isBursarError(error, 'WAIT_TIMEOUT')) await patience.afterFailure(error)
    }
  } while (Date.now() < patience.endsAtMs)
  throw timedOut(jobId, timeoutMs)
}

interface Listeners {
  readonly onJob: () => void
  readonly onPart: (part: StreamPart) => void
  readonly onLimit: OnLimit
}

async function readStream(
  link: HttpLink,
  body: string,
  { endsAtMs, signal }: Patience,
  { onJob, onPart, onLimit }: Listeners,
): Promise<Answer> {
  const waitMs = Math.min(Math.max(1, Math.ceil(endsAtMs - Date.now())), LONGEST_WAIT_MS)
  const parse = createSseParser()
  const path = `/v1/jobs?wait=${waitMs}ms`
  const question = { method: 'POST', path, body, signal, limitMs: SILENCE_MS } as const
  for await (const chunk of link.listen(question, onLimit)) {
    for (const { event, data } of parse(chunk)) {
      if (event === 'job') onJob()
      else if (event === 'part') onPart(readPart(parseJson(data)))
      else if (event === 'answer') return answerOf(data)
      else if (event === 'error') throw errorOf(data)
    }
  }
  throw brokenOff()
}

function answerOf(data: SseEvent['data']): Answer {
  const answer = readJob(parseJson(data))
  if (answer) return answer
  throw unreadable('answer')
}

const errorOf = (data: SseEvent['data']): BursarError =>
  readError(parseJson(data), 200)?.error ?? unreadable('error')

const brokenOff = (): BursarError =>
  new BursarError('GATEWAY_UNAVAILABLE', 'the stream broke off before its end', { retryable: true })
