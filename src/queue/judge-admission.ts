import type { AdmitReply, Unavailable } from '../admission/commands.ts'
import { splitWindowKey } from '../admission/outbox.ts'
import { FOREVER_MS } from '../admission/plan-lines.ts'
import type { Plan } from '../admission/plan-types.ts'
import type { Nano } from '../money/nano.ts'
import { formatUsd } from '../money/usd.ts'
import type { DeniedOutcome } from './conclude.ts'
import type { Disposition } from './disposition.ts'
import type { CompletionJob } from './job.ts'
import type { LimitQueue } from './limit-queue.ts'
import { turnAfter } from './limit-turns.ts'
import { namedLine, refusalOf } from './limit-words.ts'
import type { Denied } from './result-body.ts'
import { topUpUntilMs } from './top-up-patience.ts'

export type OkPlan = Extract<Plan, { ok: true }>

/** What follows from an answer of admission that is no hold. */
export type Verdict =
  | Disposition
  | { readonly do: 'deny'; readonly as: DeniedOutcome; readonly error: Denied }
  /** `joined`: the attempt that it waited for and that paid, '' = none. */
  | ({ readonly do: 'deliver' } & Delivered)

/** A kept answer that is at hand. */
export interface Delivered {
  readonly entry: string
  readonly joined: string
  /** It is served although its time is over. */
  readonly isStale: boolean
  /** The attempt that paid for it, and what it had cost at list price; '' and 0 = nobody knows. */
  readonly paidBy: string
  readonly savedNano: Nano
}

export type NoHold =
  | Exclude<AdmitReply, Unavailable | { outcome: 'held' | 'stale' | 'void' | 'late' | 'cached' }>
  | ({ readonly outcome: 'cached' } & Delivered)

export interface Circumstances {
  readonly job: CompletionJob
  readonly plan: OkPlan
  /** The clock that the plan was made by. */
  readonly nowMs: number
  /** 0 to 1, spreads what wakes at the same time. */
  readonly random: number
  /** Those who wait for the same; absent = each comes back when the limit has room for one. */
  readonly waiting?: LimitQueue
  /** How many jobs are parked already, about; absent = none. */
  readonly parked?: number
}

/** The longest that interactive work waits for a busy model or a full limit, since it was asked for. */
const INTERACTIVE_WAIT_MS = 60_000
/** Jobs that wait for one instant come back within this of it. */
const JITTER_MS = 250
const PARK_JITTER_MS = 5_000
/** 50 a second come back: what a few workers judge beside their calls. */
const RETURN_EVERY_MS = 20
const LONGEST_SPREAD_MS = 600_000
/** A lane frees itself at no known time: look again soon. */
const LEAST_WAIT_MS = 50

/** Decides what becomes of a request that was not admitted. Pure. */
export function judgeAdmission(reply: NoHold, circumstances: Circumstances): Verdict {
  switch (reply.outcome) {
    case 'concluded':
      return { do: 'finish', as: reply.as }
    case 'cached':
      return deliver(reply)
    case 'joined':
      return judgeJoined(reply, circumstances)
    case 'cancelled':
      return { do: 'deny', as: 'cancelled', error: CANCELLED }
    case 'takes-exhausted':
      return { do: 'deny', as: 'failed', error: exhausted(reply.n) }
    case 'over-budget':
      return judgeBudget(reply, circumstances)
    case 'busy':
      return judgeBusy(reply, circumstances)
  }
}

const deliver = ({
  outcome: _,
  ...delivered
}: Extract<NoHold, { outcome: 'cached' }>): Verdict => ({
  do: 'deliver',
  ...delivered,
})

export const CANCELLED: Denied = {
  code: 'CANCELLED',
  message: 'the request was cancelled',
  retryable: false,
  detail: {},
}

export const expiredAt = (deadlineMs: number): Denied => ({
  code: 'DEADLINE_PASSED',
  message: `nobody could serve the request before its deadline ${iso(deadlineMs)}: allow more time`,
  retryable: false,
  detail: { deadline: iso(deadlineMs) },
})

export const exhausted = (attempts: number): Denied => ({
  code: 'ATTEMPTS_EXHAUSTED',
  message: `${attempts} attempts ended without an answer: look at the request's attempts in the ledger, and send it again`,
  retryable: true,
  detail: { attempts },
})

/** Woken when the call ends; by itself when whoever calls has died. */
function judgeJoined(
  { untilMs, attempt: behind }: Extract<NoHold, { outcome: 'joined' }>,
  { job, nowMs, random }: Circumstances,
): Verdict {
  const wakeMs = untilMs + Math.floor(random * JITTER_MS)
  const lastMs = job.deadlineMs === 0 ? wakeMs : Math.min(wakeMs, job.deadlineMs)
  return { do: 'park', delayMs: Math.max(lastMs - nowMs, LEAST_WAIT_MS), by: 'flight', behind }
}

function judgeBudget(
  reply: Extract<NoHold, { outcome: 'over-budget' }>,
  { job, plan, nowMs, random, parked = 0 }: Circumstances,
): Verdict {
  const { resumeAtMs } = reply
  if (plan.parks && resumeAtMs > 0) {
    const wakeMs = resumeAtMs + returnAfterMs(reply, { plan, parked, random })
    // Until the deadline a top-up may come; at it the request ends as expired.
    const untilMs = job.deadlineMs === 0 ? wakeMs : Math.min(wakeMs, job.deadlineMs)
    return { do: 'park', delayMs: Math.max(untilMs - nowMs, LEAST_WAIT_MS), by: 'budget' }
  }
  const toppedUpMs = plan.parks && resumeAtMs === 0 ? topUpUntilMs(reply, plan, job, nowMs) : null
  if (toppedUpMs !== null) {
    return { do: 'park', delayMs: Math.max(toppedUpMs - nowMs, LEAST_WAIT_MS), by: 'budget' }
  }
  return { do: 'deny', as: 'refused', error: overBudget(reply, plan) }
}

/**
 * How long after a window's start a job comes back: one after the other, in the order in which they were parked, and
 * within a tenth of the window.
 */
function returnAfterMs(
  { window }: Extract<NoHold, { outcome: 'over-budget' }>,
  { plan, parked, random }: { plan: OkPlan; parked: number; random: number },
): number {
  const line = plan.windows[window]
  const mostMs = Math.min(((line?.endMs ?? 0) - (line?.startMs ?? 0)) / 10, LONGEST_SPREAD_MS)
  const jitterMs = random * PARK_JITTER_MS
  const turnMs = parked * RETURN_EVERY_MS
  return Math.floor(turnMs <= mostMs ? turnMs + jitterMs : random * mostMs)
}

function overBudget(
  { window, limitNano, leftNano, resumeAtMs }: Extract<NoHold, { outcome: 'over-budget' }>,
  { windows, offers }: OkPlan,
): Denied {
  const line = windows[window]
  const { budget, window: period } = splitWindowKey(line?.key ?? ':')
  const left = leftNano[window] ?? 0
  const mend =
    limitNano === 0
      ? 'this tier may use the cache and models without a price alone: choose another tier, or raise its budget'
      : resumeAtMs > 0
        ? `wait until ${iso(resumeAtMs)}, raise the budget (bursar budget grant), or send it as urgency: 'deferrable'`
        : line && line.endMs >= FOREVER_MS
          ? 'it never begins anew: raise the budget, or ask for less output'
          : 'no window of this budget ever fits the request: raise the budget, or ask for less output'
  return {
    code: 'BUDGET_EXHAUSTED',
    message: `budget ${budget} has ${formatUsd(left)} of ${formatUsd(limitNano)} USD left for ${period}, too little for this request: ${mend}`,
    retryable: false,
    detail: {
      budget,
      window: period,
      limitUsd: formatUsd(limitNano),
      usedUsd: formatUsd(limitNano - left),
      leftUsd: formatUsd(left),
      resumesAt: resumeAtMs > 0 ? iso(resumeAtMs) : null,
      models: offers.map(({ gate }) => gate),
      mend,
    },
  }
}

function judgeBusy(
  reply: Extract<NoHold, { outcome: 'busy' }>,
  { job, plan, nowMs, random, waiting }: Circumstances,
): Verdict {
  const { by, index, resumeAtMs, remaining = 0, resetAtMs } = reply
  const patience =
    job.urgency === 'interactive'
      ? job.enqueuedAtMs + INTERACTIVE_WAIT_MS
      : Number.POSITIVE_INFINITY
  const lastMs = Math.min(patience, job.deadlineMs === 0 ? patience : job.deadlineMs)
  if (resumeAtMs < lastMs) {
    const opensAtMs = Math.max(resumeAtMs, nowMs + LEAST_WAIT_MS)
    const refused = { job: job.id, plan, reply, opensAtMs, lastMs, nowMs }
    const backMs = waiting
      ? turnAfter(waiting, refused)
      : opensAtMs + Math.floor(random * JITTER_MS)
    return { do: 'park', delayMs: Math.max(backMs - nowMs, LEAST_WAIT_MS), by }
  }
  const retryAfterMs = Math.max(resumeAtMs - nowMs, LEAST_WAIT_MS)
  const line = by === 'limit' ? plan.limits[index] : undefined
  if (line) {
    const state = { key: line.key, remaining, resetAtMs: resetAtMs ?? resumeAtMs }
    const { message, detail } = refusalOf(namedLine(line), state, retryAfterMs)
    const resumes = { ...detail, resumesAt: iso(resumeAtMs) }
    const error: Denied = { code: 'RATE_LIMITED', message, retryable: true, detail: resumes }
    return { do: 'deny', as: 'refused', error }
  }
  const gate = plan.offers[index]?.gate ?? null
  const error: Denied = {
    code: 'PROVIDER_BUSY',
    message: `the provider takes nothing more for ${gate ?? ''} until ${iso(resumeAtMs)}: send the request again then`,
    retryable: true,
    detail: { retryAfterMs, resumesAt: iso(resumeAtMs), model: gate },
  }
  return { do: 'deny', as: 'refused', error }
}

const iso = (atMs: number): string => new Date(atMs).toISOString()
