import type { Outcome } from '../../admission/outbox.ts'
import { type BursarError, isBursarError } from '../../errors.ts'
import { type Enqueued, enqueueJob, type Prepare, prepareJob } from '../../queue/producer.ts'
import { readRequest } from '../../queue/request.ts'
import type { Results } from '../../queue/results.ts'
import { termsOf } from '../../queue/terms.ts'
import type { Runtime } from '../../runtime.ts'
import { outcomeOf, type Tally } from '../traffic/tally.ts'
import type { SpreadRequest } from './spread.ts'

export interface SendParts {
  readonly runtime: Pick<Runtime, 'store' | 'queues' | 'rules' | 'clock' | 'kept'>
  readonly results: Results
  readonly tally: Tally
  /** Called before Redis is asked once more; throws to give up. Absent = several tries at once, and no more. */
  readonly again?: (error: BursarError, tried: number) => Promise<void>
}

/** Longer than any replay runs: the driver says itself when it stops to wait. */
const PATIENCE_MS = 24 * 3_600_000
const TRIES = 5

/**
 * Hands one request in as a client would, and has its end noted in the tally. Resolves when it was handed in.
 * @throws {BursarError} STORE_UNAVAILABLE after several tries.
 */
export async function send(
  { input, stream }: SpreadRequest,
  { runtime, results, tally, again = severalTimes }: SendParts,
): Promise<void> {
  const { clock, rules, store, queues, kept } = runtime
  const { policy, prices } = rules.current()
  const { request, options } = readRequest(input, policy, clock.now())
  const prepared: Prepare = {
    ...{ request, options, policy, prices, stream },
    terms: termsOf(request, options, { policy, prices }),
    replyTo: results.client,
  }
  const job = prepareJob(prepared, clock)
  const expected = results.expect(job.id, PATIENCE_MS)
  tally.sent(job.id)
  const parts = { store, queues: () => queues, clock, kept }
  const handIn = () => enqueueJob(job, prepared, parts)
  const outcome = await endAtIntake(handIn, again)
  if (outcome === null) {
    // A forgotten expectation never settles, and the patience outlasts the replay.
    void expected.result.then((stored) => tally.ended(job.id, outcomeOf(stored)))
    return
  }
  expected.forget()
  tally.ended(job.id, outcome)
}

/** @returns null when it was queued. The same job id makes trying again harmless. */
async function endAtIntake(
  handIn: () => Promise<Enqueued>,
  again: NonNullable<SendParts['again']>,
): Promise<Outcome | null> {
  for (let tried = 1; ; tried++) {
    try {
      const enqueued = await handIn()
      if (enqueued.status === 'queued') return null
      return enqueued.status === 'cached' ? 'cached' : enqueued.as
    } catch (error) {
      if (isBursarError(error, 'RATE_LIMITED')) return 'refused'
      if (!isBursarError(error, 'STORE_UNAVAILABLE')) throw error
      await again(error, tried)
    }
  }
}

const severalTimes = async (error: BursarError, tried: number): Promise<void> => {
  if (tried === TRIES) throw error
}
