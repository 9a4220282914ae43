import type {
  AdmitCommand,
  AdmitReply,
  Passed,
  ReleaseCommand,
  Unavailable,
} from '../admission/commands.ts'
import { grantHold, type Hold } from '../admission/hold.ts'
import { chainOf, governing } from '../admission/model/chains.ts'
import { amountFor } from '../admission/model/rungs.ts'
import type { AttemptMeta } from '../admission/outbox.ts'
import { unaddressed } from '../admission/plan/limit-lines.ts'
import { planRequest } from '../admission/plan.ts'
import type { TurnTaken } from '../admission/plan-lines.ts'
import type { Plan } from '../admission/plan-types.ts'
import { isBursarError, messageOf } from '../errors.ts'
import { levelFor } from '../telemetry/level-for.ts'
import { SLOT_RETRY_MS } from './conclude.ts'
import type { Rules, WorkContext } from './context.ts'
import { turnFor } from './fair.ts'
import { newAttemptId } from './ids.ts'
import { type LoadedJob, metaOf } from './job.ts'
import { joinedKey, servedKey } from './job-cache.ts'
import {
  type Circumstances,
  judgeAdmission,
  type NoHold,
  type OkPlan,
  type Verdict,
} from './judge-admission.ts'
import { openKept, tellUnreadable } from './kept-answer.ts'
import { parkedFor } from './park-note.ts'
import type { Denied } from './result-body.ts'

/** A take that holds money and may send once. */
export interface Admitted {
  readonly do: 'call'
  readonly hold: Hold
  readonly plan: OkPlan
  /** Why each rung above did not serve; empty when that is not known. */
  readonly passed: readonly Passed[]
  readonly rules: Rules
  /** AttemptMeta as JSON, as it stands on the hold. */
  readonly meta: string
  /** The local clock when the hold was granted; with `hold.terms.atMs` it tells the slot's time. */
  readonly localAtMs: number
  /** Paid from an allowance while Redis is away; absent = the slot admitted it. */
  readonly degraded?: true
}

/** The turn that a take came by. */
export type TakenBy = Pick<TurnTaken, 'priority' | 'again'>

const MAX_PLANS = 3
const REPLAY_DELAYS_MS = [50, 200]
const LATER: Verdict = { do: 'park', delayMs: SLOT_RETRY_MS, by: 'slot' }

/**
 * Asks for a hold under an attempt id of its own: plans by the slot's time and policy, replays a command whose reply
 * was lost, and gives the hold back when it never learns what became of it.
 */
export async function admitRequest(
  job: LoadedJob,
  context: WorkContext,
  turn?: TakenBy,
): Promise<Admitted | Verdict> {
  const { rules: source, clock } = context
  let rules = source.current()
  let nowMs = clock.now()
  for (const limit of unaddressed(rules.policy, job)) context.metrics.limitsSkipped.inc({ limit })
  let accepts: AdmitCommand['accepts'] = job.refresh ? 'fresh' : 'stale'
  for (let round = 0; round < MAX_PLANS; round++) {
    const plan = planRequest({ ...rules, request: job, nowMs })
    if (!plan.ok) return { do: 'deny', as: 'refused', error: unplanned(plan) }
    const command = {
      ...admitCommand(job, plan, { ...rules, nowMs }, context),
      accepts,
      ...takenTurn(turn, job, plan, rules),
    }
    const epoch = context.life?.epoch() ?? 0
    const reply = await sendAdmit(command, context)
    if (reply === null || reply.outcome === 'unavailable' || reply.outcome === 'epoch-changed') {
      return LATER
    }
    if (reply.outcome === 'late') return { do: 'wait-turn', priority: reply.priority }
    if (reply.outcome === 'held') {
      if (reply.unreadable) tellUnreadable(command.cacheKey, reply.unreadable, context)
      const granted = admitted(command, reply, plan, rules)
      return (await isOfToday(granted, epoch, context, job.cacheKey)) ? granted : LATER
    }
    if (reply.outcome === 'cached') {
      const found = await deliveredBy(reply, job, context)
      if (found) return judgeAdmission(found, { job, plan, nowMs, random: 0 })
      accepts = 'nothing'
    } else if (reply.outcome === 'stale') {
      nowMs = reply.nowMs
      if (reply.policy > rules.policy.version) rules = await source.atLeast(reply.policy)
    } else if (reply.outcome !== 'void') {
      const parked = reply.outcome === 'over-budget' ? (context.parked?.next() ?? 0) : 0
      const random = Math.random()
      const turn = turnIn(context)
      const verdict = judgeAdmission(reply, { job, plan, nowMs, random, parked, ...turn })
      return verdict.do === 'park' ? { ...verdict, for: parkedFor(reply, plan) } : verdict
    }
  }
  context.logger.warn({ job: job.id }, 'no plan was fresh enough for the slot; trying again later')
  return LATER
}

/** @returns null when what was found is of no use after all. */
async function deliveredBy(
  reply: Extract<AdmitReply, { outcome: 'cached' }>,
  job: LoadedJob,
  context: WorkContext,
): Promise<Extract<NoHold, { outcome: 'cached' }> | null> {
  const entry = await openKept(job.cacheKey, reply, context)
  if (entry === null) return null
  if (reply.refresh) context.refresh?.(job)
  const { joined, paidBy, costNano: savedNano, freshForMs } = reply
  return { outcome: 'cached', entry, joined, isStale: freshForMs <= 0, paidBy, savedNano }
}

/** Virtual time is looked at again soon, whatever it says. */
const turnIn = ({ waiting, clock }: WorkContext): Pick<Circumstances, 'waiting'> =>
  waiting && !clock.virtual ? { waiting } : {}

function takenTurn(
  turn: TakenBy | undefined,
  job: LoadedJob,
  { offers: [first] }: OkPlan,
  rules: Rules,
): Pick<AdmitCommand, 'turn'> {
  if (!turn) return {}
  const costNano = first ? amountFor(first, first.capTokens) : 0
  return { turn: { ...turnFor(job, rules, costNano), ...turn } }
}

function admitCommand(
  job: LoadedJob,
  plan: OkPlan,
  { policy, prices, nowMs }: Rules & { readonly nowMs: number },
  { holdTtlMs, keeper }: WorkContext,
): AdmitCommand {
  const meta: AttemptMeta = {
    ...metaOf(job),
    rungs: plan.rungs.map(({ rung }) => ({ model: rung.model, provider: rung.provider })),
    inputTokensHeld: plan.offers[0]?.inputTokens ?? 0,
    priceVersion: prices.versionAt(nowMs),
    policyVersion: policy.version,
  }
  return {
    attempt: newAttemptId(job.id),
    job: job.id,
    policy: policy.version,
    windows: plan.windows,
    rungs: plan.offers,
    limits: plan.limits,
    chains: plan.chains,
    cacheKey: servedKey(job),
    joins: joinedKey(job) !== null,
    look: { openers: keeper.openers },
    maxTakes: policy.defaults.attempts,
    ttlMs: holdTtlMs,
    meta: JSON.stringify(meta),
  }
}

/** @returns null when nobody knows whether it holds: the attempt is then given back and never sent. */
async function sendAdmit(
  command: AdmitCommand,
  { store, owed, logger, metrics }: WorkContext,
): Promise<AdmitReply | Unavailable | null> {
  const stop = metrics.admitSeconds.startTimer()
  for (const delayMs of [...REPLAY_DELAYS_MS, null]) {
    try {
      const reply = await store.admit(command)
      stop()
      return reply
    } catch (error) {
      logger[levelFor(error)](
        { job: command.job, reason: messageOf(error) },
        'no reply to an admit',
      )
      if (!isBursarError(error, 'STORE_UNAVAILABLE')) {
        await owed.release(unsent(command))
        throw error
      }
      if (delayMs !== null) await pause(delayMs)
    }
  }
  await owed.release(unsent(command))
  return null
}

const unsent = ({ attempt, job, cacheKey }: AdmitCommand): ReleaseCommand => ({
  attempt,
  job,
  flight: cacheKey,
})

function admitted(
  command: AdmitCommand,
  reply: Extract<AdmitReply, { outcome: 'held' }>,
  plan: OkPlan,
  rules: Rules,
): Admitted {
  const { rung, holdNano, capTokens, n, atMs, passed } = reply
  const { attempt, job, meta } = command
  const offer = command.rungs[rung]
  const { windows } = governing(command, offer && chainOf(command, offer))
  const keys = windows.map(({ item }) => item.key)
  const terms = { attemptId: attempt, job, rung, holdNano, capTokens, n, atMs, windows: keys }
  const hold = grantHold(terms)
  return { do: 'call', hold, plan, passed, rules, meta, localAtMs: Date.now() }
}

/** Whether no newer life of the slot has begun since it was asked: of an older one it is not sent, but given back. */
async function isOfToday(
  { hold, meta }: Admitted,
  epoch: number,
  { life, owed }: WorkContext,
  flight: string | null,
): Promise<boolean> {
  if (!life || life.book.granted(hold, meta, epoch)) return true
  await owed.release({ attempt: hold.attemptId, job: hold.terms.job, flight })
  return false
}

const unplanned = ({ code, message, detail }: Extract<Plan, { ok: false }>): Denied => ({
  code,
  message,
  retryable: false,
  detail,
})

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
