import type { KeepTurnsCommand, KeepTurnsReply } from '../commands.ts'
import type { TurnAsk, TurnTaken } from '../plan-lines.ts'
import { type Context, closedReply, type FlowRecord, type TurnsRecord } from './state.ts'

/**
 * Whose turn it is: start-time fair queueing. A job's tag is the virtual time or where its flow's jobs before it end,
 * whichever is later; its cost by its weight is how far the flow then stands from its next turn. Queues serve the lowest
 * tag first, and virtual time is the highest tag that was served: a flow that asks little is always near the front.
 */

/** Tags are counted in these: one job of mean cost and weight 1 is as many. */
export const UNIT = 16_384
/** A job that costs more or less than that counts as this many of mean cost: it takes a lane, whatever it costs. */
export const MOST_RATIO = 16
export const LEAST_RATIO = 0.25
/** The mean follows about the last so many jobs. */
const MEAN_JOBS = 64
/** A job that comes back this many units after its turn gets a new one; what is under way together differs by less. */
export const LATE_UNITS = 64

/**
 * A priority is 2 * place + parity of its lap, 2 to 2^21 - 1: BullMQ's 21 bits, without 0, which it serves before all.
 * A lap of virtual time moves all places down by LAP; the parity tells which lap a waiting job's place is of.
 */
export const LAP = 2 ** 19
export const LAST_PLACE = 2 ** 20 - 1

/** What was handed in while the lap turned may come to the queue a little later: look again after this. */
export const LOOK_AGAIN_MS = 60_000
/** A flow that asks nothing for so long begins anew, whatever of it still waits. */
export const FLOW_KEEP_MS = 24 * 3_600_000

const newTurns = (): TurnsRecord => ({
  virtual: 0,
  meanNano: 0,
  lap: 0,
  cleanLap: 0,
  turnedAtMs: 0,
  dueMs: 0,
})

const clamp = (value: number, least: number, most: number): number =>
  Math.min(Math.max(value, least), most)

export const flowKey = ({ queue, flow }: TurnAsk): string => `${queue}/${flow}`

/** Where a tag stands among what waits, as BullMQ wants it. */
export function priorityOf({ lap }: Pick<TurnsRecord, 'lap'>, tag: number): number {
  const place = clamp(Math.floor(tag / UNIT) - lap * LAP + 1, 1, LAST_PLACE)
  return 2 * place + (lap % 2)
}

/** The tag that a priority of this lap or the one before stands for, to the unit. */
export function tagOf({ lap }: Pick<TurnsRecord, 'lap'>, priority: number): number {
  const ofLap = priority % 2 === lap % 2 ? lap : Math.max(lap - 1, 0)
  return (ofLap * LAP + Math.floor(priority / 2) - 1) * UNIT
}

/** The same tag in the lap that has come; nothing changes for a priority that is of it already. */
export function priorityInLap(priority: number, lap: number): number {
  if (priority % 2 === lap % 2) return priority
  return 2 * clamp(Math.floor(priority / 2) - LAP, 1, LAST_PLACE) + (lap % 2)
}

/** How far a job moves its flow. The mean has seen it already. */
function stepOf({ costNano, weight }: TurnAsk, meanNano: number): number {
  const ratio = meanNano > 0 ? clamp(costNano / meanNano, LEAST_RATIO, MOST_RATIO) : 1
  return Math.max(Math.floor((UNIT * ratio) / weight), 1)
}

function turnsOf({ state }: Context, queue: string): TurnsRecord {
  const known = state.turns.get(queue) ?? newTurns()
  state.turns.set(queue, known)
  return known
}

const startOf = (turns: TurnsRecord, flow: FlowRecord | undefined): number =>
  Math.max(turns.virtual, flow?.finish ?? 0)

/** Hands out a turn. @returns its priority, and the flow stands behind it. */
export function takeTurn(ctx: Context, ask: TurnAsk): number {
  const { state, nowMs } = ctx
  const turns = turnsOf(ctx, ask.queue)
  const { costNano } = ask
  turns.meanNano += turns.meanNano > 0 ? (costNano - turns.meanNano) / MEAN_JOBS : costNano
  const start = startOf(turns, state.flows.get(flowKey(ask)))
  const finish = start + stepOf(ask, turns.meanNano)
  state.flows.set(flowKey(ask), { finish, atMs: nowMs })
  return priorityOf(turns, start)
}

/** The turn that a flow would get: a job that has one is handed in again, and pays for none. */
export function nextTurn(ctx: Context, ask: TurnAsk): number {
  const turns = turnsOf(ctx, ask.queue)
  return priorityOf(turns, startOf(turns, ctx.state.flows.get(flowKey(ask))))
}

/** A job was taken: virtual time is never before it. */
export function moveTurns(ctx: Context, { queue, priority }: TurnTaken): void {
  const turns = turnsOf(ctx, queue)
  turns.virtual = Math.max(turns.virtual, tagOf(turns, priority))
}

/** A job that comes back long after its turn waits for a new one, or a thousand that were parked go before everybody. */
export function lateReply(
  ctx: Context,
  turn: TurnTaken,
): { outcome: 'late'; priority: number } | null {
  if (!turn.again) return null
  const turns = turnsOf(ctx, turn.queue)
  const late = turns.virtual - tagOf(turns, turn.priority) > LATE_UNITS * UNIT
  return late ? { outcome: 'late', priority: takeTurn(ctx, turn) } : null
}

/** Begins a lap when one is over, and asks one caller at a time to bring what waits along. */
export function keepTurns(ctx: Context, { queue, clean }: KeepTurnsCommand): KeepTurnsReply {
  const closed = closedReply(ctx)
  if (closed) return closed
  const { nowMs } = ctx
  const turns = turnsOf(ctx, queue)
  if (clean === turns.lap && nowMs >= turns.turnedAtMs + LOOK_AGAIN_MS) turns.cleanLap = clean
  if (turns.cleanLap === turns.lap) {
    if (turns.virtual / UNIT < (turns.lap + 1) * LAP) return { outcome: 'kept', sweep: null }
    turns.lap += 1
    turns.turnedAtMs = nowMs
    turns.dueMs = nowMs
  }
  if (nowMs < turns.dueMs) return { outcome: 'kept', sweep: null }
  turns.dueMs = nowMs + LOOK_AGAIN_MS
  return { outcome: 'kept', sweep: turns.lap }
}
