import { LRUCache } from 'lru-cache'
import type { SettleCommand } from '../../admission/commands.ts'
import { grantHold } from '../../admission/hold.ts'
import type { BookLeaseCommand } from '../../admission/lease-commands.ts'
import type { AttemptMeta } from '../../admission/outbox.ts'
import { planRequest } from '../../admission/plan.ts'
import { writeStoredResult } from '../../admission/result.ts'
import { BursarError, isBursarError } from '../../errors.ts'
import type { Admitted } from '../../queue/admit-request.ts'
import { callProvider } from '../../queue/call-provider.ts'
import type { Rules, WorkContext } from '../../queue/context.ts'
import { newAttemptId } from '../../queue/ids.ts'
import { type CompletionJob, type LoadedJob, metaOf } from '../../queue/job.ts'
import type { OkPlan } from '../../queue/judge-admission.ts'
import { type Answered, readResult } from '../../queue/result-body.ts'
import { settlementOf } from '../../queue/settlement.ts'
import { createMemoryLogs } from '../../queue/streams/memory-log.ts'
import type { JournaledLease } from '../journal/book.ts'
import type { Allowance, OutageAnswer } from '../outage-answers.ts'
import { type ChosenRung, chooseRung } from './choose-rung.ts'
import type { Keeper } from './keeper.ts'

type Parts = Pick<
  WorkContext,
  'provider' | 'rules' | 'metrics' | 'clock' | 'logger' | 'resultTtlMs'
> & {
  readonly keeper: Pick<Keeper, 'current' | 'enter' | 'running'>
  /** Calls at a time. */
  readonly concurrency: number
}

const RETRY_AFTER_MS = 1_000
/** Nobody renews what no slot holds. */
const NO_RENEWER = { add() {}, remove() {}, close() {} }
/** Who asks again under the same job id is answered once. */
const REMEMBERED_JOBS = 1_000

/** Calls providers from the allowance of this process, under the same plan, cap and settlement as a worker does. */
export function createAllowance(parts: Parts): Allowance {
  const { keeper, concurrency } = parts
  const logs = createMemoryLogs()
  const known = new LRUCache<string, OutageAnswer>({ max: REMEMBERED_JOBS })
  let calls = 0

  async function called(call: OutageCall): Promise<Answered> {
    calls += 1
    try {
      return await runCall(call, { ...parts, chunks: logs, renewer: NO_RENEWER })
    } finally {
      calls -= 1
    }
  }

  return {
    async run(job, judge) {
      const before = known.get(job.id)
      if (before) return before
      const { body } = job
      const rules = parts.rules.current()
      const { policy } = rules
      if (policy.defaults.outage !== 'allow' || job.urgency !== 'interactive') return null
      if (!keeper.current() || body === null) return null
      const plan = planRequest({ ...rules, request: { ...job, body }, nowMs: parts.clock.now() })
      if (!plan.ok) throw new BursarError(plan.code, plan.message, { detail: plan.detail })
      await judge()
      // From here to the intent nothing is waited for: what is free now is taken now, and once.
      const meanwhile = known.get(job.id)
      if (meanwhile) return meanwhile
      if (calls >= concurrency) throw tooMany()
      const lease = keeper.current()
      const chosen = lease && chooseRung(plan, lease)
      if (!chosen) throw spent()
      const loaded: LoadedJob = { ...job, body, bodyKept: false }
      const answered = called({ job: loaded, plan, chosen, lease, rules })
      const answer = job.stream ? { answered, logs } : { answered }
      known.set(job.id, answer)
      answered.catch((error: unknown) => {
        if (isBursarError(error, 'STORE_UNAVAILABLE')) known.delete(job.id)
      })
      return answer
    },
  }
}

interface OutageCall {
  readonly job: LoadedJob
  readonly plan: OkPlan
  readonly chosen: ChosenRung
  readonly lease: JournaledLease
  readonly rules: Rules
}

type CallParts = Parts & Pick<WorkContext, 'chunks' | 'renewer'>

async function runCall(call: OutageCall, parts: CallParts): Promise<Answered> {
  const { keeper, logger, resultTtlMs } = parts
  const { job, lease } = call
  const admitted = admittedBy(call, parts.clock.now())
  const { attemptId } = admitted.hold.terms
  const ended = keeper.running(attemptId)
  try {
    // Not a byte is sent before this is on disk.
    await keeper.enter({ is: 'intent', call: unknownEnd(admitted, job, lease) })
    const seen = await callProvider(job, admitted, parts, new AbortController().signal)
    const { command } = settlementOf({
      job,
      admitted,
      call: seen,
      abort: null,
      gateMs: () => RETRY_AFTER_MS,
      resultTtlMs,
      random: 0,
    })
    const booking = bookingOf(command, lease)
    await keeper.enter({ is: 'result', call: booking }).catch((error: unknown) => {
      logger.error({ attempt: attemptId, err: error }, 'the end of a call is not on disk')
    })
    const body = booking.conclusion?.result ?? ''
    return readResult(writeStoredResult({ leftNano: [], creditNano: [], body }))
  } finally {
    ended()
  }
}

/** One take, the only one: nobody hands the job to another worker. */
function admittedBy({ job, plan, chosen, lease, rules }: OutageCall, nowMs: number): Admitted {
  const { rung, capTokens, holdNano, passed } = chosen
  const served = plan.rungs[rung]?.rung
  const { policy, prices } = rules
  const meta: AttemptMeta = {
    ...metaOf(job),
    // Where it is booked, the rung that served is the first one.
    rungs: served ? [{ model: served.model, provider: served.provider }] : [],
    inputTokensHeld: plan.offers[rung]?.inputTokens ?? 0,
    priceVersion: prices.versionAt(nowMs),
    policyVersion: policy.version,
  }
  const hold = grantHold({
    attemptId: newAttemptId(job.id),
    job: job.id,
    rung,
    holdNano,
    capTokens,
    n: 1,
    atMs: nowMs,
    windows: lease.windows,
  })
  const once = { ...policy, defaults: { ...policy.defaults, attempts: 1 } }
  return {
    do: 'call',
    hold,
    plan,
    passed,
    rules: { policy: once, prices },
    meta: JSON.stringify(meta),
    localAtMs: nowMs,
    degraded: true,
  }
}

/** How a call is booked as long as nobody knows its end. */
function unknownEnd(
  { hold, meta }: Admitted,
  job: CompletionJob,
  { lease, windows }: JournaledLease,
): BookLeaseCommand {
  const { attemptId: attempt, atMs, holdNano } = hold.terms
  const end = { kind: 'unconfirmed', costNano: 0, detail: '', conclusion: null } as const
  return { ...end, lease, attempt, job: job.id, atMs, holdNano, windows, meta }
}

const bookingOf = (command: SettleCommand, { lease }: JournaledLease): BookLeaseCommand => ({
  lease,
  attempt: command.attempt,
  job: command.job,
  kind: command.kind,
  costNano: command.costNano,
  atMs: command.atMs,
  holdNano: command.holdNano,
  windows: command.windows,
  meta: command.meta,
  detail: command.detail,
  // Whoever asked was answered here.
  conclusion: command.conclusion && { ...command.conclusion, replyTo: '', hasBody: false },
})

const tooMany = (): BursarError =>
  new BursarError(
    'STORE_UNAVAILABLE',
    'Redis does not answer, and this process calls as many providers from its allowance as it may: send it again in a second',
    { retryable: true, detail: { retryAfterMs: RETRY_AFTER_MS } },
  )

const spent = (): BursarError =>
  new BursarError(
    'STORE_UNAVAILABLE',
    'Redis does not answer, and what this process may spend meanwhile is used up: send it again later, or raise defaults.outage_allowance_usd',
    { retryable: true, detail: { retryAfterMs: 5_000 } },
  )
