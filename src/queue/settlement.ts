import type { Conclusion, SettleCommand } from '../admission/commands.ts'
import type { SettleDetail } from '../admission/outbox.ts'
import type { PlannedRung } from '../admission/plan-types.ts'
import { impersonal } from '../cache/impersonal.ts'
import { writeCacheEntry } from '../cache/responses/entry.ts'
import type { Nano } from '../money/nano.ts'
import { costOf } from '../pricing/cost.ts'
import type { Usage } from '../pricing/types.ts'
import type { CallOutcome } from '../provider/types.ts'
import type { Admitted } from './admit-request.ts'
import type { Abort, Disposition } from './disposition.ts'
import type { AskedCall } from './embeddings.ts'
import type { LoadedJob } from './job.ts'
import { keptUnder } from './job-cache.ts'
import { CANCELLED } from './judge-admission.ts'
import { type Answer, isWhole, receiptRecord } from './receipt-record.ts'
import { keyRefused, refusesKey } from './refused-key.ts'
import { type Denied, writeAnswered, writeDenied } from './result-body.ts'

/** What one call comes to: one command for the slot, and what becomes of the job once it landed. */
export interface Settlement {
  readonly command: SettleCommand
  readonly next: Disposition
  /** When the command did not end the request because it had ended before. */
  readonly booked: 'settled' | 'unconfirmed'
  /** What an answer cost at list price, nano-USD; absent = there is none. */
  readonly listNano?: Nano
}

export interface SettleCase extends AskedCall {
  readonly job: LoadedJob
  readonly admitted: Admitted
  /** Why the call was cut short; null = it was not. */
  readonly abort: Abort | null
  /** How long a model is left alone that says "too many" and no more, ms. */
  readonly gateMs: () => number
  readonly resultTtlMs: number
  /** 0 to 1. */
  readonly random: number
}

const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 30_000

/** Decides what is booked and how the request goes on (PROTOCOL 3.4). Pure, but for `gateMs`. */
export function settlementOf(settle: SettleCase): Settlement {
  const { outcome } = settle.call
  switch (outcome.seen) {
    case 'answer':
      return ofAnswer(settle, outcome)
    case 'unbilled-error':
      return ofUnbilled(settle, outcome)
    case 'aborted':
      return ofAborted(settle, outcome)
    case 'unknown':
      return ofUnknown(settle, outcome)
  }
}

type Seen<K extends CallOutcome['seen']> = Extract<CallOutcome, { seen: K }>

function ofAnswer(settle: SettleCase, outcome: Seen<'answer'>): Settlement {
  if (settle.unusable !== undefined) return ofUnusable(settle, outcome, settle.unusable)
  const { job, admitted, resultTtlMs, reused } = settle
  const rung = rungOf(admitted)
  const { usage, servedModel, serviceTier, providerRequestId } = outcome
  const { listNano, costNano } = costOf(rung.price, usage, serviceTier)
  const texts = reused && { texts: reused.texts }
  const answer: Answer = { usage, costNano, servedModel, estimated: false, ...texts }
  const receipt = receiptRecord(job, admitted, answer)
  const response = outcome.json
  const mayServe = !receipt.shortened && isWhole(outcome.response)
  const kept = mayServe ? keptUnder(job, admitted.rules.policy) : null
  const conclusion: Conclusion = {
    outcome: 'answered',
    reason: '',
    result: writeAnswered(receipt, response),
    replyTo: job.replyTo,
    resultTtlMs,
    hasBody: job.bodyKept,
  }
  const savedNano = reused?.savedNano ? { savedNano: reused.savedNano } : {}
  const detail = { usage, listNano, servedModel, serviceTier, providerRequestId, ...savedNano }
  return {
    booked: 'settled',
    next: { do: 'finish', as: 'answered' },
    listNano,
    command: {
      ...base(settle, detail),
      kind: 'settled',
      costNano,
      ...tokensOf(usage),
      conclusion,
      cache: kept && {
        ...kept,
        body: writeCacheEntry(
          servedModel,
          rung.rung.provider,
          impersonal(outcome.response, response),
        ),
      },
    },
  }
}

/** Paid for nothing; asked for once more where all that was known beforehand can be left out. */
function ofUnusable(settle: SettleCase, outcome: Seen<'answer'>, why: string): Settlement {
  const { admitted } = settle
  const { usage, servedModel, serviceTier, providerRequestId } = outcome
  const { provider, upstreamModel } = rungOf(admitted).rung
  const { listNano, costNano } = costOf(rungOf(admitted).price, usage, serviceTier)
  const error: Denied = {
    code: 'PROVIDER_ERROR',
    message: `${provider} answered for ${upstreamModel} with ${why}: send the request again`,
    retryable: (settle.reused?.texts.known ?? 0) > 0,
    detail: where(admitted),
  }
  const going = goOn(settle, error.retryable, error, null)
  const detail = { usage, listNano, servedModel, serviceTier, providerRequestId, reason: why }
  return {
    booked: 'settled',
    next: going.next,
    listNano,
    command: {
      ...base(settle, detail),
      kind: 'settled',
      costNano,
      ...tokensOf(usage),
      conclusion: going.conclusion,
    },
  }
}

function ofUnbilled(settle: SettleCase, outcome: Seen<'unbilled-error'>): Settlement {
  const { status, code, message, retryable, retryAfterMs, upstream } = outcome
  const { admitted } = settle
  const rung = rungOf(admitted)
  const waitMs = retryable ? (retryAfterMs ?? (status === 429 ? settle.gateMs() : null)) : null
  const { atMs } = admitted.hold.terms
  // The slot's time, whatever this machine's clock says: from the hold on, only elapsed time is ours.
  const slotNowMs = atMs + (settle.call.endedAtMs - admitted.localAtMs)
  const gateKey = admitted.plan.offers[admitted.hold.terms.rung]?.gate
  const error: Denied = {
    code: status === 429 && retryable ? 'PROVIDER_BUSY' : 'PROVIDER_ERROR',
    message: refusesKey(status)
      ? keyRefused(rung.rung.provider)
      : `${rung.rung.provider} answered ${status}${code ? ` ${code}` : ''} for ${rung.rung.upstreamModel}: ${message}`,
    retryable,
    detail: {
      status,
      code,
      ...(!refusesKey(status) && { upstream }),
      ...where(admitted),
      ...(waitMs === null ? {} : { retryAfterMs: waitMs }),
    },
  }
  const going = goOn(settle, retryable, error, waitMs === null ? null : 0)
  return {
    booked: 'settled',
    next: going.next,
    command: {
      ...base(settle, { status, reason: code, listNano: 0 }),
      kind: 'settled',
      costNano: 0,
      tokens: 0,
      outputTokens: 0,
      conclusion: going.conclusion,
      gate:
        waitMs === null || gateKey === undefined
          ? null
          : { key: gateKey, untilMs: slotNowMs + waitMs },
    },
  }
}

function ofAborted(settle: SettleCase, outcome: Seen<'aborted'>): Settlement {
  const { admitted } = settle
  const rung = rungOf(admitted)
  const { policy } = admitted.rules
  const margin = policy.providers[rung.rung.provider]?.profile.inputMarginPercent ?? 0
  const usage = usageOf(
    admitted.plan.offers[admitted.hold.terms.rung]?.inputTokens ?? admitted.plan.inputTokens,
    Math.ceil((outcome.streamedOutputTokens * (100 + margin)) / 100),
  )
  const { listNano, costNano } = costOf(rung.price, usage, rung.rung.serviceTier ?? 'default')
  const going = goOn(settle, true, cutShort(settle), null)
  return {
    booked: 'settled',
    next: going.next,
    command: {
      ...base(settle, { usage, listNano, estimated: true, reason: settle.abort }),
      kind: 'settled',
      // An estimate never passes what was held: only a provider's own count may.
      costNano: Math.min(costNano, admitted.hold.terms.holdNano),
      ...tokensOf(usage),
      conclusion: going.conclusion,
    },
  }
}

function ofUnknown(settle: SettleCase, outcome: Seen<'unknown'>): Settlement {
  const { admitted } = settle
  const { reason, status, streamedOutputTokens, retryable } = outcome
  const rung = rungOf(admitted)
  const note = costOf(rung.price, usageOf(admitted.plan.inputTokens, streamedOutputTokens))
  // Not a byte left (no connection, no such host): what it cost is known after all.
  const { sent } = admitted.hold
  const error = settle.abort === null ? noAnswer(settle, outcome) : cutShort(settle)
  const going = goOn(settle, retryable || settle.abort !== null, error, null)
  return {
    booked: sent ? 'unconfirmed' : 'settled',
    next: going.next,
    command: {
      ...base(settle, {
        status,
        reason,
        ...(sent ? { noteNano: note.costNano } : { listNano: 0 }),
      }),
      kind: sent ? 'unconfirmed' : 'settled',
      costNano: 0,
      tokens: sent ? null : 0,
      outputTokens: sent ? null : 0,
      conclusion: going.conclusion,
    },
  }
}

function noAnswer({ admitted }: SettleCase, outcome: Seen<'unknown'>): Denied {
  const { reason, status, message, retryable, upstream } = outcome
  const { provider, upstreamModel } = rungOf(admitted).rung
  const says = refusesKey(status) ? keyRefused(provider) : message
  const words = upstream && !refusesKey(status) ? { upstream } : {}
  const detail = { reason, status, ...words, ...where(admitted) }
  return admitted.hold.sent
    ? {
        code: 'PROVIDER_OUTCOME_UNKNOWN',
        message: `nobody knows what became of the call to ${upstreamModel} (${reason}: ${says}); it is booked whole until the provider's bill is known: send the request again`,
        retryable: true,
        detail,
      }
    : {
        code: 'PROVIDER_ERROR',
        message: `${provider} could not be reached (${reason}: ${message}) and nothing was billed: check providers.${provider}.base_url, and send the request again`,
        retryable,
        detail,
      }
}

/** Another take, or the end: by cancellation, or because no take is left or worth it. */
function goOn(
  { job, admitted, abort, resultTtlMs, random }: SettleCase,
  retryable: boolean,
  error: Denied,
  delayMs: number | null,
): { next: Disposition; conclusion: Conclusion | null } {
  const { n } = admitted.hold.terms
  const end = (outcome: 'cancelled' | 'failed', as: Denied): Conclusion => ({
    outcome,
    reason: as.code,
    result: writeDenied(outcome, as),
    replyTo: job.replyTo,
    resultTtlMs,
    hasBody: job.bodyKept,
  })
  if (abort === 'cancelled') {
    return { next: { do: 'finish', as: 'cancelled' }, conclusion: end('cancelled', CANCELLED) }
  }
  if (!retryable || n >= admitted.rules.policy.defaults.attempts) {
    const { code, message } = error
    return { next: { do: 'fail', code, message }, conclusion: end('failed', error) }
  }
  if (abort === 'drain') return { next: { do: 'give-back' }, conclusion: null }
  const backoffMs = Math.min(FIRST_RETRY_MS * 2 ** (n - 1), MAX_RETRY_MS) * (0.5 + random / 2)
  return {
    next: { do: 'retry', delayMs: delayMs ?? Math.round(backoffMs), why: error.message },
    conclusion: null,
  }
}

const cutShort = ({ admitted, abort }: SettleCase): Denied => ({
  code: 'PROVIDER_OUTCOME_UNKNOWN',
  message: `the call was cut short (${abort ?? 'aborted'}) and no attempt is left: send the request again`,
  retryable: true,
  detail: { reason: abort, ...where(admitted) },
})

const where = ({ hold, plan }: Admitted): Record<string, unknown> => ({
  model: plan.rungs[hold.terms.rung]?.rung.upstreamModel ?? null,
  provider: plan.rungs[hold.terms.rung]?.rung.provider ?? null,
  attempts: hold.terms.n,
})

/** The part of the command that every end shares. */
function base({ job, admitted, call }: SettleCase, seen: Partial<SettleDetail>) {
  const { attemptId, atMs, holdNano, windows } = admitted.hold.terms
  // One literal: two objects spread into one cost more than to write it all out.
  const detail: SettleDetail = {
    reason: seen.reason ?? null,
    status: seen.status ?? null,
    usage: seen.usage ?? null,
    listNano: seen.listNano ?? null,
    servedModel: seen.servedModel ?? null,
    serviceTier: seen.serviceTier ?? null,
    providerRequestId: seen.providerRequestId ?? null,
    estimated: seen.estimated ?? false,
    noteNano: seen.noteNano ?? null,
    ...(seen.savedNano !== undefined && { savedNano: seen.savedNano }),
    seen: call.outcome.seen,
    startedAtMs: call.startedAtMs,
    endedAtMs: call.endedAtMs,
  }
  return {
    attempt: attemptId,
    job: job.id,
    atMs,
    holdNano,
    windows,
    meta: admitted.meta,
    detail: JSON.stringify(detail),
    cache: null,
    flight: job.cacheKey,
    gate: null,
  }
}

function rungOf({ plan, hold }: Admitted): PlannedRung {
  const rung = plan.rungs[hold.terms.rung]
  if (!rung) throw new RangeError(`rung ${hold.terms.rung} was never offered`)
  return rung
}

const usageOf = (inputTokens: number, outputTokens: number): Usage => ({
  inputTokens,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens,
  reasoningTokens: 0,
})

function tokensOf(usage: Usage): { readonly tokens: number; readonly outputTokens: number } {
  const outputTokens = usage.outputTokens + usage.reasoningTokens
  const inputTokens = usage.inputTokens + usage.cachedInputTokens + usage.cacheWriteTokens
  return { tokens: inputTokens + outputTokens, outputTokens }
}
