import type { AdmitReply } from '../admission/commands.ts'
import { chainOf, governing } from '../admission/model/chains.ts'
import { heldAmount, usedOf } from '../admission/model/limits.ts'
import type { LimitLine, RungOffer } from '../admission/plan-lines.ts'
import type { Plan } from '../admission/plan-types.ts'
import type { LimitQueue, Place } from './limit-queue.ts'

type OkPlan = Extract<Plan, { ok: true }>

/** What a call at a time waits for has no pace of its own: calls end. Others than ours end, too. */
const LANE_EVERY_MS = 250
/** A model that was left alone is not run over when its time is up: 10 a second from each process. */
const GATE_EVERY_MS = 100
const MOST_MS = 60_000

/** Whoever found a limit or a gate full. */
interface Refused {
  readonly job: string
  readonly plan: OkPlan
  readonly reply: Extract<AdmitReply, { outcome: 'busy' }>
  /** When it would fit if nobody else asked, UTC ms. */
  readonly opensAtMs: number
  /** UTC ms; a request that has its turn only then is judged for the last time before it. */
  readonly lastMs: number
  readonly nowMs: number
}

/** @returns when it comes back, UTC ms: one after the other, as the limit lets them through. */
export function turnAfter(
  queue: LimitQueue,
  { job, plan, reply, opensAtMs, lastMs, nowMs }: Refused,
): number {
  const { what, ...pace } = paceOf(plan, reply)
  return Math.min(queue.join(what, { job, ...pace }, opensAtMs, nowMs), lastMs - 1)
}

function paceOf(
  { limits, offers }: OkPlan,
  { by, index }: Refused['reply'],
): Omit<Place, 'job'> & { readonly what: string } {
  const line = by === 'limit' ? limits[index] : undefined
  if (!line) {
    const what = offers[index]?.gate ?? ''
    return { what, amount: 1, everyMs: GATE_EVERY_MS, mostMs: MOST_MS }
  }
  const amount = offers[0] ? amountIn(line, offers[0]) : 1
  if (line.kind === 'concurrent') {
    return { what: line.key, amount, everyMs: LANE_EVERY_MS, mostMs: MOST_MS }
  }
  return { what: line.key, amount, everyMs: (line.perMs * amount) / line.limit, mostMs: line.perMs }
}

const amountIn = (line: LimitLine, { inputTokens, capTokens }: RungOffer, cap = capTokens) =>
  heldAmount(line, { input: inputTokens, output: cap })

/** A call that ended, and what it used. */
interface Ended {
  readonly plan: OkPlan
  readonly rung: number
  readonly capTokens: number
  /** null = unknown. */
  readonly tokens: number | null
  readonly outputTokens?: number | null
}

/** Lets those go on that wait for what a call held and did not use. */
export function passOn(queue: LimitQueue, ended: Ended, nowMs: number): void {
  const { plan, rung, capTokens, tokens, outputTokens = null } = ended
  const offer = plan.offers[rung]
  if (!offer) return
  const used = tokens === null ? null : { total: tokens, output: outputTokens }
  for (const { item: line } of governing(plan, chainOf(plan, offer)).limits) {
    const held = amountIn(line, offer, capTokens)
    const unused = line.kind === 'concurrent' ? held : held - (usedOf(line, used) ?? held)
    if (unused > 0) queue.freed(line.key, unused, nowMs)
  }
}
