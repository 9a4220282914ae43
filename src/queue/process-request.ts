import { BursarError } from '../errors.ts'
import type { RequestBody } from '../provider/types.ts'
import { type Admitted, admitRequest, type TakenBy } from './admit-request.ts'
import { callProvider, type SeenCall } from './call-provider.ts'
import { conclude, concludeDenied, SLOT_RETRY_MS } from './conclude.ts'
import type { WorkContext } from './context.ts'
import { type Abort, abortOf, type Disposition } from './disposition.ts'
import { readTextBatch, type TextBatch, withKnownTexts } from './embeddings.ts'
import { withFiled } from './file-answer.ts'
import { jobOfAttempt } from './ids.ts'
import type { CompletionJob, LoadedJob } from './job.ts'
import { CANCELLED, expiredAt, type Verdict } from './judge-admission.ts'
import { withKept } from './kept-answer.ts'
import { passOn } from './limit-turns.ts'
import { tellEnd } from './logged.ts'
import { cachedReceipt } from './receipt-record.ts'
import { tellRefusedKey } from './refused-key.ts'
import { writeCached } from './result-body.ts'
import { settlementOf } from './settlement.ts'
import { uncounted } from './uncounted.ts'
import { writeDown } from './write-down.ts'

/** A settlement that has not landed by then is owed in the background, and the job comes back later. */
const SETTLE_PATIENCE_MS = 20_000

/**
 * One take of one request: hold, call, settle. Every end is a disposition, which the caller carries out; running it
 * again at any time, anywhere, costs at most what the new take holds.
 * @param signal - aborts the call; its reason is an `Abort`.
 * @param turn - the turn that it was taken by; absent = it shares no queue.
 * @throws what is a bug: nothing was sent then that is not settled or held.
 */
export async function processRequest(
  job: CompletionJob,
  context: WorkContext,
  signal: AbortSignal,
  turn?: TakenBy,
): Promise<Disposition> {
  const { clock, owed } = context
  clock.follow(job.clockMs)
  await clock.catchUp?.()
  if (owed.has(job.id)) return { do: 'park', delayMs: SLOT_RETRY_MS, by: 'slot' }
  if (job.deadlineMs > 0 && clock.now() >= job.deadlineMs) {
    return concludeDenied(job, context, 'expired', expiredAt(job.deadlineMs))
  }
  try {
    return await answer(job, context, signal, turn)
  } catch (error) {
    if (!(error instanceof BursarError)) throw error
    if (error.retryable) return { do: 'park', delayMs: SLOT_RETRY_MS, by: 'slot' }
    return concludeDenied(job, context, 'failed', error)
  }
}

/** Calls for what is not known yet, under a hold for that. */
async function answer(
  job: CompletionJob,
  context: WorkContext,
  signal: AbortSignal,
  turn?: TakenBy,
): Promise<Disposition> {
  const whole = await loadBody(job, context)
  const batch = await readTextBatch(whole, context.rules.current().policy, context.vectors)
  if (batch?.job === null) return deliverTexts(job, batch, context)
  const asked = batch?.job ?? whole
  const admitted = await admitRequest(asked, context, turn)
  if (admitted.do !== 'call') return carryOut(admitted, job, context)
  await writeDown(asked, admitted, context)
  const abort = abortOf(signal)
  if (abort !== null) return giveUp(job, admitted, context, abort)
  const call = await callOrGiveBack(asked, admitted, context, signal)
  return settleCall(whole, admitted, { call, abort: abortOf(signal), batch }, context)
}

async function loadBody(job: CompletionJob, { store }: WorkContext): Promise<LoadedJob> {
  if (job.body !== null) return { ...job, body: job.body, bodyKept: false }
  const text = await store.body(job.id)
  if (text !== null) {
    const body: RequestBody = JSON.parse(text)
    return { ...job, body, bodyKept: true }
  }
  throw new BursarError(
    'RESULT_EXPIRED',
    'the body of the request is no longer kept: it ended before, or waited too long; send it again',
  )
}

function carryOut(
  verdict: Verdict,
  job: CompletionJob,
  context: WorkContext,
): Promise<Disposition> | Disposition {
  if (verdict.do === 'deny') return concludeDenied(job, context, verdict.as, verdict.error)
  if (verdict.do === 'park') return parked(verdict, job, context)
  if (verdict.do !== 'deliver') return verdict
  const { entry, isStale, paidBy, savedNano } = verdict
  const joined = verdict.joined && (paidBy || verdict.joined)
  const outcome = joined === '' ? 'cached' : 'joined'
  const { policy } = context.rules.current()
  const receipt = cachedReceipt(job, policy.version, [], { joined, isStale })
  const result = writeCached(outcome, receipt, entry)
  const row = { outcome, reason: paidBy || joined, savedNano } as const
  const ended = conclude(job, context, { ...row, result, ...uncounted(job, policy) })
  return ended.then((end) => (isStale && end.do === 'finish' ? { ...end, isStale } : end))
}

async function parked(
  verdict: Extract<Disposition, { do: 'park' }>,
  job: CompletionJob,
  { metrics, chunks }: WorkContext,
): Promise<Disposition> {
  metrics.parked.inc({ by: verdict.by })
  if (job.stream && verdict.behind) await chunks.join(job.id, jobOfAttempt(verdict.behind))
  return verdict
}

/** A call that never left holds nothing. */
async function callOrGiveBack(
  job: LoadedJob,
  admitted: Admitted,
  context: WorkContext,
  signal: AbortSignal,
): Promise<SeenCall> {
  try {
    return await callProvider(job, admitted, context, signal)
  } catch (error) {
    const { attemptId: attempt, sent } = admitted.hold
    if (!sent) await context.owed.release({ attempt, job: job.id, flight: job.cacheKey })
    throw error
  }
}

/** Aborted before anything was sent: the hold goes back whole. */
async function giveUp(
  job: CompletionJob,
  { hold }: Admitted,
  context: WorkContext,
  abort: Abort,
): Promise<Disposition> {
  await context.owed.release({ attempt: hold.attemptId, job: job.id, flight: job.cacheKey })
  if (abort === 'cancelled') return concludeDenied(job, context, 'cancelled', CANCELLED)
  if (abort === 'drain') return { do: 'give-back' }
  return { do: 'retry', delayMs: 0, why: abort }
}

/** All texts of a request for embeddings were embedded before: nothing is held, nothing called. */
function deliverTexts(
  job: CompletionJob,
  { texts, savedNano, entry }: TextBatch,
  context: WorkContext,
): Promise<Disposition> {
  const { policy } = context.rules.current()
  const receipt = { ...cachedReceipt(job, policy.version, []), texts }
  const result = writeCached('cached', receipt, entry())
  const free = uncounted(job, policy)
  return conclude(job, context, { outcome: 'cached', reason: '', result, savedNano, ...free })
}

/** What came of a call. */
interface Came {
  readonly call: SeenCall
  readonly abort: Abort | null
  readonly batch: TextBatch | null
}

async function settleCall(
  job: LoadedJob,
  admitted: Admitted,
  { call, abort, batch }: Came,
  context: WorkContext,
): Promise<Disposition> {
  const { owed, gates, metrics } = context
  const gate = admitted.plan.offers[admitted.hold.terms.rung]?.gate ?? ''
  if (call.outcome.seen === 'answer') gates.clear(gate)
  else tellRefusedKey(call.outcome, admitted, context.logger)
  const { command, next, booked, listNano } = settlementOf({
    job,
    admitted,
    ...withKnownTexts(call, batch),
    abort,
    gateMs: () => gates.next(gate),
    resultTtlMs: context.resultTtlMs,
    random: Math.random(),
  })
  const stop = metrics.settleSeconds.startTimer()
  const { policy } = admitted.rules
  const kept = await withKept(command, policy, listNano ?? 0, context)
  const filed = await withFiled(job, kept, policy, context)
  const reply = await owed.settle(filed, SETTLE_PATIENCE_MS)
  stop()
  if (reply === null) return { do: 'park', delayMs: SLOT_RETRY_MS, by: 'slot' }
  if (job.stream && next.do === 'retry')
    await context.chunks.breakOff(job.id, admitted.hold.terms.n)
  if (listNano !== undefined) await batch?.keep(listNano)
  if (reply.outcome === 'too-old') {
    context.logger.error({ attempt: command.attempt }, 'a settlement came too late to be booked')
    return next
  }
  if (context.waiting) {
    const { rung, capTokens } = admitted.hold.terms
    const { tokens, outputTokens = null } = command
    const ended = { plan: admitted.plan, rung, capTokens, tokens, outputTokens }
    passOn(context.waiting, ended, context.clock.now())
  }
  metrics.costNano.inc({ model: gate }, reply.bookedNano)
  if (booked === 'unconfirmed') metrics.unconfirmed.inc({ model: gate })
  if (reply.overrunNano > 0) {
    metrics.overruns.inc({ model: gate })
    context.logger.error(
      { attempt: command.attempt, model: gate, overrunNano: reply.overrunNano },
      'the provider billed more than was held',
    )
  }
  const { conclusion } = command
  if (!conclusion) return next
  // It had ended before: this take's money counts, its outcome does not.
  if (!reply.concluded) return { do: 'finish', as: conclusion.outcome }
  metrics.requests.inc({ outcome: conclusion.outcome, tier: job.tier })
  tellEnd(job, conclusion.outcome, context.logger)
  return next
}
