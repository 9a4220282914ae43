import type { Outcome } from '../admission/outbox.ts'
import type { Answer } from '../client/answer.ts'
import { readAnswer } from '../client/answer.ts'
import type { BursarError } from '../errors.ts'
import { ENDED_AS } from '../queue/receipt.ts'
import { readResult } from '../queue/result-body.ts'
import { type ErrorBody, type ErrorReply, errorReply } from './error-reply.ts'
import { type JobPlaces, outcomeOf } from './find-job.ts'

/** A job that ended well. */
export interface AnsweredJob {
  readonly id: string
  readonly status: 'ended'
  readonly outcome: Extract<Outcome, 'answered' | 'cached' | 'joined'>
  readonly text: string
  readonly response: unknown
  readonly receipt: Answer['receipt']
}

/** A job that ended otherwise; `error` says why. */
export interface DeniedJob {
  readonly id: string
  readonly status: 'ended'
  readonly outcome: Outcome | null
  readonly error: ErrorBody
}

/** A job that was handed in. */
export interface HandedIn {
  readonly id: string
  readonly status: 'queued' | 'ended'
  /** Where it can be asked for. */
  readonly url: string
}

export const handedIn = (id: string, status: HandedIn['status'] = 'queued'): HandedIn => ({
  id,
  status,
  url: `/v1/jobs/${id}`,
})

export const answeredJob = (id: string, { text, response, receipt }: Answer): AnsweredJob => ({
  id,
  status: 'ended',
  outcome: ENDED_AS[receipt.cache],
  text,
  response,
  receipt,
})

/** Reads a stored result as the answer it is. @throws {BursarError} what the job ended with, or UNREADABLE_REPLY. */
export const storedAnswer = (id: string, stored: string): AnsweredJob =>
  answeredJob(id, readAnswer(readResult(stored)))

/**
 * Tells the end of a job apart from a failure to look at it: only a job that ended carries `status` and `outcome`
 * beside its error, so that a caller knows that asking again is no use.
 */
export async function deniedReply(
  id: string,
  error: BursarError,
  places: JobPlaces,
): Promise<Omit<ErrorReply, 'body'> & { readonly body: ErrorReply['body'] | DeniedJob }> {
  const reply = errorReply(error, Date.now())
  const stored = await places.store.result(id).catch(() => null)
  if (stored === null) return reply
  const body = { id, status: 'ended', outcome: outcomeOf(stored), error: reply.body.error } as const
  return { ...reply, body }
}
