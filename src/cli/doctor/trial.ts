import { randomUUID } from 'node:crypto'
import type { AdmitCommand, AdmitReply, SettleCommand } from '../../admission/commands.ts'
import type { AttemptMeta } from '../../admission/outbox.ts'
import type { LimitLine, WindowLine } from '../../admission/plan-lines.ts'
import type { AdmissionStore } from '../../admission/store.ts'
import { wallOf, writeKey } from '../../cache/walls.ts'

const HOUR_MS = 3_600_000
const HOLD_TTL_MS = 60_000

/** A clock that a check moves by itself, so that none has to wait. */
export interface TrialClock {
  nowMs: number
}

/** What a check works with: the real store under a throw-away prefix, and fresh names. */
export interface Trial {
  readonly store: AdmissionStore
  readonly clock: TrialClock
}

export const freshName = (what: string): string => `${what}-${randomUUID()}`

/** Cache key of one and the same question, asked by a tenant. */
export const questionOf = (tenant: string): string =>
  writeKey(wallOf('tenant', { tenant, user: 'doctor' }), 'd0'.repeat(32))

const meta = (enqueuedAtMs: number): AttemptMeta => ({
  tenant: 'doctor',
  user: 'doctor',
  tier: 'doctor',
  tags: {},
  operation: 'chat.completions',
  urgency: 'interactive',
  modelRequested: 'auto',
  enqueuedAtMs,
  rungs: [{ model: 'trial', provider: 'trial' }],
  inputTokensHeld: 0,
  priceVersion: 'trial',
  policyVersion: 1,
})

/** A window of an hour around now that nobody else knows. */
export const freshWindow = ({ clock }: Trial, limitNano: number): WindowLine => ({
  key: `${freshName('budget')}:trial`,
  startMs: clock.nowMs - HOUR_MS,
  endMs: clock.nowMs + HOUR_MS,
  limitNano,
  marks: [],
})

export interface Ask {
  readonly windows: readonly WindowLine[]
  /** What one hold costs, nano-USD. */
  readonly amountNano: number
  readonly limits?: readonly LimitLine[]
  readonly job?: string
}

/** The command for one hold of exactly `amountNano`. */
export function holdCommand({ clock }: Trial, ask: Ask): AdmitCommand {
  const { windows, amountNano, limits = [], job = freshName('job') } = ask
  const rung = {
    gate: 'trial:trial',
    fixedNano: amountNano,
    outputPico: 0,
    capTokens: 0,
    floorTokens: 0,
    until: null,
    inputTokens: 1,
  }
  return {
    attempt: `${job}/${randomUUID()}`,
    job,
    policy: 1,
    windows,
    rungs: [rung],
    limits,
    cacheKey: null,
    maxTakes: 3,
    ttlMs: HOLD_TTL_MS,
    meta: JSON.stringify(meta(clock.nowMs)),
  }
}

/** Settles a hold at `costNano`, ends its request, and stores the answer when `cache` says where. */
export function settleCommand(
  { clock }: Trial,
  held: AdmitCommand,
  costNano: number,
  cache: SettleCommand['cache'] = null,
): SettleCommand {
  return {
    attempt: held.attempt,
    job: held.job,
    kind: 'settled',
    costNano,
    atMs: clock.nowMs,
    holdNano: held.rungs[0]?.fixedNano ?? 0,
    windows: held.windows.map(({ key }) => key),
    tokens: null,
    meta: held.meta,
    detail: '',
    conclusion: {
      outcome: 'answered',
      reason: 'trial',
      result: '{}',
      replyTo: '',
      resultTtlMs: HOLD_TTL_MS,
    },
    cache,
    gate: null,
  }
}

export const admitOnce = (trial: Trial, ask: Ask): Promise<AdmitReply> =>
  trial.store.admit(holdCommand(trial, ask))

/** Asks as the client does: request limits, then the cache. */
export const intakeOnce = (trial: Trial, limits: readonly LimitLine[], cacheKey: string | null) =>
  trial.store.intake({
    job: freshName('job'),
    limits,
    cacheKey,
    meta: JSON.stringify(meta(trial.clock.nowMs)),
    body: null,
  })

/** @throws {Error} naming both, when they differ. */
export function expectSame(what: string, found: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)]
  if (left !== right) throw new Error(`${what} is ${left}, not ${right}`)
}
