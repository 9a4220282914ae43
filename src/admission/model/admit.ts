import type { AdmitCommand, AdmitReply, Passed } from '../commands.ts'
import type { LimitLine, RungOffer } from '../plan-lines.ts'
import { type Found, findAnswer, NOTHING, serveAnswer, tellAnswer, type UpTo } from './cached.ts'
import { blocks, type Chosen, chainOf, governing } from './chains.ts'
import { limitAt } from './credit.ts'
import { lateReply, moveTurns } from './fair.ts'
import { beginFlight, joinFlight } from './flights.ts'
import { heldAmount, measure, take } from './limits.ts'
import { affordableCap, amountFor, overBudget, tightestOf, type WindowView } from './rungs.ts'
import {
  type AttemptRecord,
  type Context,
  closedReply,
  jobOf,
  openedWindow,
  type SlotState,
  type TakenLimit,
  type WindowRecord,
} from './state.ts'

type Busy = Extract<AdmitReply, { outcome: 'busy' }>

function heldReply(
  ctx: Context,
  record: AttemptRecord,
  passed: readonly Passed[] = [],
): Extract<AdmitReply, { outcome: 'held' }> {
  return {
    outcome: 'held',
    rung: record.rung,
    holdNano: record.holdNano,
    capTokens: record.capTokens,
    n: record.n,
    atMs: record.atMs,
    acked: ctx.state.slot?.acked ?? '0',
    passed,
  }
}

/** The kept answer, as far as one will do. */
function lookFor(ctx: Context, command: AdmitCommand, upTo?: UpTo): Found {
  const { cacheKey, look = {}, accepts = 'stale' } = command
  if (accepts === 'nothing') return NOTHING
  return findAnswer(ctx, cacheKey, look, upTo ?? accepts)
}

/** What is known before any money is looked at. */
function earlyReply(ctx: Context, command: AdmitCommand, { hit }: Found): AdmitReply | null {
  const { state } = ctx
  const closed = closedReply(ctx)
  if (closed) return closed
  const attempt = state.attempts.get(command.attempt)
  if (attempt?.state === 'H') return heldReply(ctx, attempt)
  if (attempt) return { outcome: 'void' }
  const { turn } = command
  if (turn) moveTurns(ctx, turn)
  const job = state.jobs.get(command.job)
  if (job?.done) return { outcome: 'concluded', as: job.done }
  if (job?.cancelled) return { outcome: 'cancelled' }
  if (job && job.n >= command.maxTakes) return { outcome: 'takes-exhausted', n: job.n }
  if (hit) {
    const served = serveAnswer(ctx, command.cacheKey, hit)
    return { outcome: 'cached', ...served, joined: job?.joined ?? '' }
  }
  const asksAlone = command.accepts === 'nothing' || command.joins === false
  const joined = asksAlone ? null : joinFlight(ctx, command)
  return joined ?? (turn ? lateReply(ctx, turn) : null)
}

/** A plan of another time or an older policy is not judged. */
export function staleReply(
  { state, nowMs }: Context,
  command: Pick<AdmitCommand, 'policy' | 'windows'>,
): Extract<AdmitReply, { outcome: 'stale' }> | null {
  let newest = command.policy
  let outside = false
  for (const line of command.windows) {
    if (nowMs < line.startMs || nowMs >= line.endMs) outside = true
    newest = Math.max(newest, state.windows.get(line.key)?.policy ?? 0)
  }
  const stale = outside || newest > command.policy
  return stale ? { outcome: 'stale', nowMs, policy: newest } : null
}

/** Opens missing windows and takes over the limits of a newer policy. Beside a grant, the only place that opens one. */
export function enterWindows(
  state: SlotState,
  command: Pick<AdmitCommand, 'policy' | 'windows'>,
): WindowRecord[] {
  return command.windows.map((line) => {
    const known = state.windows.get(line.key)
    if (known) {
      if (command.policy > known.policy) {
        known.limitNano = line.limitNano
        known.policy = command.policy
        known.marks = line.marks
        known.startMs = line.startMs
        known.endMs = line.endMs
        known.warnOnly = line.warnOnly === true
      }
      return known
    }
    const fresh = openedWindow(line, command.policy)
    state.windows.set(line.key, fresh)
    return fresh
  })
}

const limitAmount = (line: LimitLine, { inputTokens }: RungOffer, capTokens: number): number =>
  heldAmount(line, { input: inputTokens, output: capTokens })

/** One rung of a command, with what governs it. */
interface Try {
  readonly rung: number
  readonly offer: RungOffer
  readonly capTokens: number
  readonly windows: Chosen<WindowRecord>
  readonly limits: Chosen<LimitLine>
}

/** A closed gate or a full limit; the first in the plan's order. */
function busyBy({ state, nowMs }: Context, { rung, offer, capTokens, limits }: Try): Busy | null {
  const gateUntilMs = state.gates.get(offer.gate) ?? 0
  if (gateUntilMs > nowMs) {
    return { outcome: 'busy', by: 'gate', index: rung, resumeAtMs: gateUntilMs }
  }
  for (const { index, item: line } of limits) {
    const seen = measure(state, line, limitAmount(line, offer, capTokens), nowMs)
    const { remaining, resetAtMs, retryAtMs: resumeAtMs } = seen
    if (!seen.fits) {
      return { outcome: 'busy', by: 'limit', index, resumeAtMs, remaining, resetAtMs }
    }
  }
  return null
}

function hold(
  ctx: Context,
  command: AdmitCommand,
  chosen: Try,
  passed: readonly Passed[],
): AdmitReply {
  const { state, nowMs } = ctx
  const { rung, offer, capTokens, windows } = chosen
  const holdNano = amountFor(offer, capTokens)
  for (const { item: window } of windows) window.heldNano += holdNano
  const limits: TakenLimit[] = chosen.limits.map(({ item: line }) => {
    const amount = limitAmount(line, offer, capTokens)
    take(state, line, amount, nowMs)
    return { line, amount }
  })
  const job = jobOf(ctx, command.job)
  job.n += 1
  const record: AttemptRecord = {
    state: 'H',
    job: command.job,
    rung,
    holdNano,
    capTokens,
    n: job.n,
    atMs: nowMs,
    windows: windows.flatMap(({ index }) => command.windows[index]?.key ?? []),
    limits,
    bookedNano: 0,
    rev: 0,
    meta: command.meta,
  }
  state.attempts.set(command.attempt, record)
  state.exp.set(command.attempt, nowMs + command.ttlMs)
  if (command.joins !== false) beginFlight(ctx, command)
  return heldReply(ctx, record, passed)
}

/**
 * Holds the most the call can cost in every window of the chain, on the first rung that all of them can pay for, or
 * in none. (PROTOCOL 3.1, 3.2)
 */
export function admit(ctx: Context, command: AdmitCommand): AdmitReply {
  const found = lookFor(ctx, command)
  const early = earlyReply(ctx, command, found) ?? staleReply(ctx, command)
  if (early) return early
  const records = enterWindows(ctx.state, command)
  let soonest: Busy | null = null
  const passed: Passed[] = []
  for (const [rung, offer] of command.rungs.entries()) {
    const chain = chainOf(command, offer)
    const { windows, limits } = governing({ ...command, windows: records }, chain)
    const isBlocking = blocks(command.windows, chain)
    const blocking = windows.filter(({ index }) => isBlocking(index))
    const views = blocking.map(({ item }) => viewOf(item, ctx.nowMs))
    const capTokens = affordableCap(offer, views)
    if (capTokens < 0) {
      passed.push({ by: 'budget', index: blocking[tightestOf(offer, views)]?.index ?? -1 })
      continue
    }
    const chosen = { rung, offer, capTokens, windows, limits }
    const busy = busyBy(ctx, chosen)
    if (!busy) return withWhy(hold(ctx, command, chosen, passed), found)
    passed.push({ by: busy.by, index: busy.index })
    if (!soonest || busy.resumeAtMs < soonest.resumeAtMs) soonest = busy
  }
  const last = command.rungs.at(-1)
  if (soonest || !last) return soonest ?? { outcome: 'void' }
  const { hit } = command.accepts === 'fresh' ? NOTHING : lookFor(ctx, command, 'last')
  // Nobody who has the money was asked: an old answer is better than none.
  if (hit) return { outcome: 'cached', ...tellAnswer(ctx, hit), joined: '' }
  const governs = blocks(command.windows, chainOf(command, last))
  const views = records.map((window) => viewOf(window, ctx.nowMs))
  return overBudget(last, command.windows, views, governs)
}

const withWhy = (reply: AdmitReply, { why }: Found): AdmitReply =>
  reply.outcome === 'held' && why ? { ...reply, unreadable: why } : reply

const viewOf = (window: WindowRecord, nowMs: number): WindowView => ({
  limitNano: limitAt(window, nowMs),
  usedNano: window.spentNano + window.heldNano,
})
