import { BursarError, isBursarError } from '../../errors.ts'
import { pause } from './limits.ts'
import type { Told } from './link.ts'
import type { Json } from './read-reply.ts'
import { mayHaveArrived } from './transport.ts'

/** Asks until somebody knows, through restarts of the gateway. */
export interface Patience {
  /** When it ends, as `Date.now()`. */
  readonly endsAtMs: number
  readonly signal: AbortSignal
  /** The request is known to the gateway: whatever fails from here on, it goes on. */
  accepted(): void
  /** Waits a little. @throws {BursarError} `error` itself when it does not pass, or nobody heard the request yet. */
  afterFailure(error: BursarError): Promise<void>
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2_000

/** What passes by itself, without a word about the request. */
const passes = (error: BursarError): boolean =>
  isBursarError(error, 'GATEWAY_UNAVAILABLE') || isBursarError(error, 'STORE_UNAVAILABLE')

export function createPatience(limitMs: number, signal: AbortSignal): Patience {
  let known = false
  let pauseMs = FIRST_PAUSE_MS
  const endsAtMs = Date.now() + limitMs
  return {
    endsAtMs,
    signal,
    accepted() {
      known = true
      pauseMs = FIRST_PAUSE_MS
    },
    async afterFailure(error) {
      // A request that may have arrived is sent again, under the id that makes this harmless.
      const heard = known || (isBursarError(error, 'GATEWAY_UNAVAILABLE') && mayHaveArrived(error))
      if (!heard || !passes(error)) throw error
      known = true
      await pause(Math.max(0, Math.min(pauseMs, endsAtMs - Date.now())), signal)
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
    },
  }
}

/** @throws {BursarError} what the gateway told instead. */
export async function told(asked: Promise<Told>): Promise<Json> {
  const reply = await asked
  if (reply.ok) return reply.json
  throw reply.error
}

export const timedOut = (jobId: string, limitMs: number): BursarError =>
  new BursarError(
    'WAIT_TIMEOUT',
    `no answer to ${jobId} within ${limitMs} ms; it goes on: ask result('${jobId}') later, or cancel('${jobId}')`,
    { retryable: true, detail: { jobId, limitMs } },
  )
