import type { RateLimit } from '../../queue/receipt.ts'
import type { Answer } from '../answer.ts'
import type { HttpLink, Question } from './link.ts'
import { createPatience, timedOut } from './patience.ts'
import { readJob } from './read-reply.ts'
import { withRateLimit } from './told-limits.ts'

/** Shorter than what proxies allow a silent connection. */
const POLL_MS = 30_000
/** What the gateway may take beyond the wait it was asked for. */
const GRACE_MS = 10_000
/** The same at the very end, when the caller's own time is over. */
const LAST_GRACE_MS = 1_000

export interface Wait {
  readonly jobId: string
  /** How the request is handed in; absent = it was. */
  readonly body?: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** Waits for the end of a request, one long poll after the other. @throws {BursarError} its error, WAIT_TIMEOUT. */
export async function waitForAnswer(
  link: HttpLink,
  { jobId, body, timeoutMs, signal }: Wait,
): Promise<Answer> {
  const patience = createPatience(timeoutMs, signal)
  let handIn = body
  let rateLimit: RateLimit | null = null
  if (handIn === undefined) patience.accepted()
  do {
    const leftMs = Math.max(1, Math.ceil(patience.endsAtMs - Date.now()))
    const waitMs = Math.min(leftMs, POLL_MS)
    const limitMs = Math.min(waitMs + GRACE_MS, leftMs + LAST_GRACE_MS)
    const reply = await link.ask({ ...questionOf(jobId, handIn, waitMs), limitMs, signal })
    if (reply.ok) {
      // Told once, by the reply to what was handed in.
      rateLimit ??= reply.rateLimit
      const answer = readJob(reply.json)
      if (answer) return withRateLimit(answer, rateLimit)
      patience.accepted()
      handIn = undefined
    } else {
      if (reply.ended) throw reply.error
      await patience.afterFailure(reply.error)
    }
  } while (Date.now() < patience.endsAtMs)
  throw timedOut(jobId, timeoutMs)
}

function questionOf(
  jobId: string,
  body: string | undefined,
  waitMs: number,
): Pick<Question, 'method' | 'path' | 'body'> {
  const wait = `?wait=${waitMs}ms`
  return body === undefined
    ? { method: 'GET', path: `/v1/jobs/${encodeURIComponent(jobId)}${wait}` }
    : { method: 'POST', path: `/v1/jobs${wait}`, body }
}
