import type { Uncount } from '../admission/commands.ts'
import { hitsAreFree } from '../admission/model/limits.ts'
import { requestLimits } from '../admission/plan/limit-lines.ts'
import type { Policy } from '../config/policy-types.ts'
import { BursarError } from '../errors.ts'
import type { RequestBody } from '../provider/types.ts'
import { type Admitted, admitRequest, type TakenBy } from './admit-request.ts'
import { callProvider, type SeenCall } from './call-provider.ts'
import { conclude, concludeDenied, SLOT_RETRY_MS } from './conclude.ts'
import type { WorkContext } from './context.ts'
import { type Abort, abortOf, type Disposition } from './disposition.ts'
import { withFiled } from './file-answer.ts'
import type { CompletionJob, LoadedJob } from './job.ts'
import { CANCELLED, expiredAt, type Verdict } from './judge-admission.ts'
import { withKept } from './kept-answer.ts'
import { passOn } from './limit-turns.ts'
import { cachedReceipt } from './receipt-record.ts'
import { writeCached } from './result-body.ts'
import { settlementOf } from './settlement.ts'
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
    const loaded = await loadBody(job, context)
    const admitted = await admitRequest(loaded, context, turn)
    if (admitted.do !== 'call') return await carryOut(admitted, job, context)
    await writeDown(loaded, admitted, context)
    const abort = abortOf(signal)
    if (abort !== null) return await giveUp(job, admitted, context, abort)
    const call = await callOrGiveBack(loaded, admitted, context, signal)
    return await settleCall(loaded, admitted, call, context, abortOf(signal))
  } catch (error) {
    if (!(error instanceof BursarError)) throw error
    if (error.retryable) return { do: 'park', delayMs: SLOT_RETRY_MS, by: 'slot' }
    return concludeDenied(job, context, 'failed', error)
  }
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
  if (verdict.do !== 'deliver') {
    if (verdict.do === 'park') context.metrics.parked.inc({ by: verdict.by })
    return verdict
  }
  const { entry, joined, isStale } = verdict
  const outcome = joined === '' ? 'cached' : 'joined'
  const { policy } = context.rules.current()
  const receipt = cachedReceipt(job, policy.version, [], { joined, isStale })
  const result = writeCached(outcome, receipt, entry)
  return conclude(job, context, outcome, joined, result, uncountOf(job, policy))
}

/** The limits that answers from the cache do not count against; intake did not know yet that it would be one. */
function uncountOf(job: CompletionJob, policy: Policy): Uncount | undefined {
  const { countedAtMs: atMs = 0 } = job
  if (atMs === 0) return undefined
  const limits = requestLimits(policy, job).filter(hitsAreFree)
  return limits.length === 0 ? undefined : { limits, atMs }
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

async function settleCall(
  job: LoadedJob,
  admitted: Admitted,
  call: SeenCall,
  context: WorkContext,
  abort: Abort | null,
): Promise<Disposition> {
  const { owed, gates, metrics } = context
  const gate = admitted.plan.offers[admitted.hold.terms.rung]?.gate ?? ''
  if (call.outcome.seen === 'answer') gates.clear(gate)
  const { command, next, booked } = settlementOf({
    job,
    admitted,
    call,
    abort,
    gateMs: () => gates.next(gate),
    resultTtlMs: context.resultTtlMs,
    random: Math.random(),
  })
  const stop = metrics.settleSeconds.startTimer()
  const kept = await withKept(command, admitted.rules.policy, command.costNano, context)
  const filed = await withFiled(job, kept, admitted.rules.policy, context)
  const reply = await owed.settle(filed, SETTLE_PATIENCE_MS)
  stop()
  if (reply === null) return { do: 'park', delayMs: SLOT_RETRY_MS, by: 'slot' }
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
  return next
}
