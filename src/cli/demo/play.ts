import { setTimeout as pause } from 'node:timers/promises'
import type { Outcome } from '../../admission/outbox.ts'
import type { Answer } from '../../client/answer.ts'
import type { Client } from '../../client/client-type.ts'
import { BursarError } from '../../errors.ts'
import { newJobId } from '../../queue/ids.ts'
import type { Queues } from '../../queue/queues.ts'
import { ENDED_AS } from '../../queue/receipt.ts'
import { lookAtQueues, type QueueState, restingJobs } from '../traffic/queue-watch.ts'
import type { Cue } from './script.ts'
import { createSeen, type Seen } from './seen.ts'

export interface Stage {
  readonly client: Client
  readonly queues: Queues
  readonly signal: AbortSignal
  /** Told several times a second. */
  readonly told: (seen: Seen, queues: QueueState) => void
}

export interface Played {
  readonly seen: Seen
  readonly parked: ReadonlySet<string>
}

const LOOK_MS = 100
/** Whoever waits longer for budget is parked; a retry comes back within seconds. */
const PARKED_MS = 60_000
const PATIENCE_MS = 600_000

/**
 * Has every cue asked at its time, as apps would, and waits until nothing is left but parked work.
 * @throws {BursarError} CANCELLED when the signal aborts, and what is no refusal.
 */
export async function play(cues: readonly Cue[], stage: Stage): Promise<Played> {
  const { queues, signal, told } = stage
  const seen = createSeen()
  const startedMs = performance.now()
  let next = 0
  for (;;) {
    if (signal.aborted) throw new BursarError('CANCELLED', 'the demo was told to stop')
    const elapsedMs = performance.now() - startedMs
    for (let cue = cues[next]; cue && cue.atMs <= elapsedMs; cue = cues[next]) {
      next += 1
      void ask(cue, stage, seen)
    }
    const state = await lookAtQueues(queues)
    told(seen, state)
    const waits = seen.tally.open === state.delayed && state.busy === 0
    const parked = next === cues.length && waits ? await restingJobs(queues, PARKED_MS) : null
    if (parked) return { seen, parked }
    await pause(LOOK_MS)
  }
}

async function ask(cue: Cue, stage: Stage, seen: Seen): Promise<void> {
  const jobId = newJobId()
  seen.tally.sent(jobId)
  try {
    const { receipt } = await answerTo(cue, jobId, stage.client)
    seen.receive(receipt, cue)
    seen.tally.ended(jobId, ENDED_AS[receipt.cache])
  } catch (error) {
    seen.tally.ended(jobId, endOf(error))
  }
}

function answerTo(cue: Cue, jobId: string, client: Client): Promise<Answer> {
  const { person, content, tags, urgency, outputTokens } = cue
  const request = {
    ...person,
    tags,
    urgency,
    jobId,
    model: 'auto',
    messages: [{ role: 'user' as const, content }],
    metadata: { sandbox_output_tokens: String(outputTokens) },
  }
  if (urgency === 'interactive') return client.run(request, { timeoutMs: PATIENCE_MS })
  return client.enqueue(request).then(() => client.result(jobId, { timeoutMs: PATIENCE_MS }))
}

const REFUSALS: readonly string[] = ['BUDGET_EXHAUSTED', 'RATE_LIMITED', 'PROVIDER_BUSY']

const endOf = (error: unknown): Outcome =>
  error instanceof BursarError && REFUSALS.includes(error.code) ? 'refused' : 'failed'
