import { BursarError, messageOf } from '../errors.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { type Claim, type Claimer, type Ending, endRun, renew, USUAL_TRIES } from './claims.ts'
import type { Figures, TickedJob } from './types.ts'

export interface RunParts<Parts> {
  readonly parts: Parts
  readonly ledger: Ledger
  readonly claimer: Claimer
  /** Aborted when the process ends. */
  readonly closing: AbortSignal
  /** How long a run that failed waits before it begins again, ms, four times longer each time; absent = 30 s. */
  readonly retryMs?: number
}

/** What became of a run, as far as this process knows. */
export type RunEnd = Ending | { readonly state: 'lost' }

/** Work that does not stop when it is told to is not waited for any longer, ms. */
const STOP_MS = 10_000
const RETRY_MS = 30_000

/**
 * Runs what was claimed: keeps the lease, holds the work to its time limit and writes down how it ended. A run whose
 * lease is lost is aborted and says nothing: its next claimer does.
 */
export async function runClaim<Parts>(
  job: TickedJob<Parts>,
  claim: Claim,
  { parts, ledger, claimer, closing, retryMs = RETRY_MS }: RunParts<Parts>,
): Promise<RunEnd> {
  const stop = new AbortController()
  const limit = AbortSignal.timeout(job.limitMs)
  const lease = keepLease(ledger, claim, claimer, () => stop.abort())
  const signal = AbortSignal.any([limit, stop.signal, closing])
  try {
    const ending = await endOf(job, claim, { parts, signal, limit, retryMs })
    if (stop.signal.aborted) return { state: 'lost' }
    return (await endRun(ledger, claim, claimer, ending)) ? ending : { state: 'lost' }
  } finally {
    lease.end()
  }
}

interface Started<Parts> {
  readonly parts: Parts
  readonly signal: AbortSignal
  readonly limit: AbortSignal
  readonly retryMs: number
}

async function endOf<Parts>(
  job: TickedJob<Parts>,
  { tickMs, missed, attempt }: Claim,
  { parts, signal, limit, retryMs }: Started<Parts>,
): Promise<Ending> {
  const tick = { atMs: tickMs, missed, signal }
  try {
    const work = job.run(parts, tick)
    const figures = await Promise.race([work, givenUp(signal)])
    return { state: 'done', figures: figures ?? {} }
  } catch (error) {
    if (limit.aborted) return { state: 'timed-out', error: `not done after ${job.limitMs} ms` }
    const again = signal.aborted || attempt < (job.tries ?? USUAL_TRIES)
    if (!again) return { state: 'failed', error: messageOf(error) }
    // A process that ends gives its run to the next one at once.
    const inMs = signal.aborted ? 0 : retryMs * 4 ** (attempt - 1)
    return { state: 'retrying', error: messageOf(error), inMs }
  }
}

/** Rejects a while after the signal: by then the work should have seen it. */
const givenUp = (signal: AbortSignal): Promise<Figures> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener(
      'abort',
      () => {
        const late = new BursarError('CANCELLED', 'the run was told to stop and did not')
        setTimeout(reject, STOP_MS, late).unref()
      },
      { once: true },
    )
  })

/** @param onLost - another process has the run, or the database has not heard of this one for a whole lease. */
function keepLease(ledger: Ledger, claim: Claim, claimer: Claimer, onLost: () => void) {
  const { leaseMs } = claimer
  let keptAtMs = performance.now()
  let timer: NodeJS.Timeout | undefined
  const again = () => {
    timer = setTimeout(keep, leaseMs / 3)
  }
  const keep = async () => {
    const beganAtMs = performance.now()
    try {
      if (!(await renew(ledger, claim, claimer))) return onLost()
      keptAtMs = beganAtMs
    } catch {
      if (performance.now() - keptAtMs > leaseMs) return onLost()
    }
    if (timer) again()
  }
  again()
  return {
    end() {
      clearTimeout(timer)
      timer = undefined
    },
  }
}
