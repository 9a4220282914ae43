import { setTimeout as pause } from 'node:timers/promises'
import type { Outcome } from '../../admission/outbox.ts'
import type { Answer } from '../../client/answer.ts'
import type { Client } from '../../client/client-type.ts'
import { BursarError } from '../../errors.ts'
import type { Nano } from '../../money/nano.ts'
import { newJobId } from '../../queue/ids.ts'
import type { Queues } from '../../queue/queues.ts'
import { ENDED_AS } from '../../queue/receipt.ts'
import { isQuiet, lookAtQueues, parkedJobs, type QueueState } from '../traffic/queue-watch.ts'
import { createTally, type Tally } from '../traffic/tally.ts'
import type { Cue } from './script.ts'

/** What the people of the demo have seen so far. */
export interface Seen {
  readonly tally: Tally
  /** By the receipts. */
  spentNano: Nano
  /** What the answers from the cache cost when they were paid for. */
  savedNano: Nano
  /** Answers of a cheaper model than the first of their ladder. */
  steppedDown: number
  /** Spending of each second since the start. */
  readonly bySecond: Nano[]
}

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
  const seen: Seen = {
    tally: createTally(),
    spentNano: 0,
    savedNano: 0,
    steppedDown: 0,
    bySecond: [],
  }
  const prices = new Map<string, Nano>()
  const startedMs = performance.now()
  let next = 0
  for (;;) {
    if (signal.aborted) throw new BursarError('CANCELLED', 'the demo was told to stop')
    const elapsedMs = performance.now() - startedMs
    for (let cue = cues[next]; cue && cue.atMs <= elapsedMs; cue = cues[next]) {
      next += 1
      void ask(cue, stage, seen, prices, startedMs)
    }
    const state = await lookAtQueues(queues)
    told(seen, state)
    const waits = seen.tally.open === state.delayed && state.busy === 0
    if (next === cues.length && waits && (await isQuiet(queues, PARKED_MS))) break
    await pause(LOOK_MS)
  }
  return { seen, parked: await parkedJobs(queues) }
}

async function ask(
  cue: Cue,
  stage: Stage,
  seen: Seen,
  prices: Map<string, Nano>,
  startedMs: number,
): Promise<void> {
  const jobId = newJobId()
  seen.tally.sent(jobId)
  try {
    const answer = await answerTo(cue, jobId, stage.client)
    note(answer, cue, seen, prices, Math.floor((performance.now() - startedMs) / 1_000))
    seen.tally.ended(jobId, ENDED_AS[answer.receipt.cache])
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

function note(
  { receipt }: Answer,
  { person, content }: Cue,
  seen: Seen,
  prices: Map<string, Nano>,
  second: number,
): void {
  const key = `${person.tenant}\n${content}`
  if (receipt.cache === 'hit' || receipt.cache === 'joined') {
    seen.savedNano += prices.get(key) ?? 0
    return
  }
  prices.set(key, receipt.costNano)
  seen.spentNano += receipt.costNano
  while (seen.bySecond.length <= second) seen.bySecond.push(0)
  seen.bySecond[second] = (seen.bySecond[second] ?? 0) + receipt.costNano
  if (receipt.steppedDown) seen.steppedDown += 1
}

const REFUSALS: readonly string[] = ['BUDGET_EXHAUSTED', 'RATE_LIMITED', 'PROVIDER_BUSY']

const endOf = (error: unknown): Outcome =>
  error instanceof BursarError && REFUSALS.includes(error.code) ? 'refused' : 'failed'
