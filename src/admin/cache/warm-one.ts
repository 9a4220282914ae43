import { setTimeout as pause } from 'node:timers/promises'
import { amountFor } from '../../admission/model/rungs.ts'
import { planRequest } from '../../admission/plan.ts'
import { BursarError } from '../../errors.ts'
import type { Nano } from '../../money/nano.ts'
import { parseUsd } from '../../money/usd.ts'
import { realClock } from '../../queue/clock.ts'
import type { Rules } from '../../queue/context.ts'
import { readResult } from '../../queue/result-body.ts'
import { warmJob } from '../../queue/warm-up.ts'
import type { AdminPlace } from '../command.ts'
import type { WarmPlace } from './place.ts'
import type { Wanted } from './wanted.ts'

export interface WarmEnd {
  readonly as: 'warmed' | 'already' | 'skipped'
  readonly costNano: Nano
}

/** Nobody waits for these answers: whoever is busy is left alone for as long. */
const PATIENCE_MS = 120_000
const FIRST_LOOK_MS = 20
const LAST_LOOK_MS = 500

/**
 * Asks one prompt and waits for its end.
 * @param leftNano - it is not asked when it may cost more.
 * @throws {BursarError} what the request ended with; WAIT_TIMEOUT when nobody took it in time.
 */
export async function warmOne(
  { request, cache, key }: Wanted,
  leftNano: Nano,
  rules: Rules,
  place: AdminPlace,
): Promise<WarmEnd> {
  const parts = await place.warming()
  const wanted = { request, cache, jobId: null, deadlineMs: Date.now() + PATIENCE_MS }
  const { job, handIn } = warmJob(wanted, rules, { clock: realClock })
  if (job.cacheKey === null) throw uncacheable()
  if (key !== undefined && key !== job.cacheKey) throw changed()
  const [kept] = await parts.answerShelf.look([job.cacheKey])
  if (kept) return { as: 'already', costNano: 0 }
  if (mostNano(rules, request) > leftNano) return { as: 'skipped', costNano: 0 }
  const queues = await place.queues()
  await handIn({ ...parts, clock: realClock, queues: () => queues })
  const { receipt } = readResult(await resultOf(job.id, parts))
  return { as: 'warmed', costNano: parseUsd(receipt.costUsd) }
}

/** What the first rung would hold; those below it hold no more. */
function mostNano(rules: Rules, request: Wanted['request']): Nano {
  const plan = planRequest({ ...rules, request, nowMs: Date.now() })
  if (!plan.ok) throw new BursarError(plan.code, plan.message, { detail: plan.detail })
  return Math.max(...plan.offers.map((offer) => amountFor(offer, offer.capTokens)))
}

async function resultOf(job: string, { store }: WarmPlace): Promise<string> {
  const endMs = Date.now() + PATIENCE_MS
  for (
    let waitMs = FIRST_LOOK_MS;
    Date.now() < endMs;
    waitMs = Math.min(2 * waitMs, LAST_LOOK_MS)
  ) {
    const stored = await store.result(job)
    if (stored !== null) return stored
    await pause(waitMs)
  }
  throw new BursarError(
    'WAIT_TIMEOUT',
    'nobody answered in time: look whether a worker runs (npx bursar start --roles completions)',
    { detail: { jobId: job } },
  )
}

const uncacheable = (): BursarError =>
  new BursarError(
    'INVALID_REQUEST',
    'an answer to this would not be kept: CACHE_DEBUG=true says why of each request',
  )
const changed = (): BursarError =>
  new BursarError(
    'INVALID_REQUEST',
    'the policy looks for this answer elsewhere by now: it is learned anew when somebody asks',
  )
