import type { Nano } from '../../money/nano.ts'
import type { AdmitReply } from '../commands.ts'
import { FOREVER_MS, type RungOffer, type WindowLine } from '../plan-lines.ts'

/** The most that a call with this output cap can cost. */
export function amountFor(offer: RungOffer, capTokens: number): Nano {
  const pico = capTokens * offer.outputPico
  const rest = pico % 1_000
  return offer.fixedNano + (pico - rest) / 1_000 + (rest > 0 ? 1 : 0)
}

/** floor(limit * percent / 100) without leaving 2^53. */
export const percentOf = (limit: Nano, percent: number): Nano =>
  Math.floor(limit / 100) * percent + Math.floor(((limit % 100) * percent) / 100)

/** The largest cap whose amount fits in `room`; the caller has seen that the full cap does not. */
function shortenedCap(offer: RungOffer, room: Nano): number {
  const forOutput = room - offer.fixedNano
  if (forOutput < 0 || offer.outputPico === 0) return -1
  const cap = Math.min(Math.floor((forOutput * 1_000) / offer.outputPico), offer.capTokens)
  return amountFor(offer, cap) <= room ? cap : cap - 1
}

/** One window as admission sees it: the limit in force, and what is spent and held. */
export interface WindowView {
  readonly limitNano: Nano
  readonly usedNano: Nano
}

const ceilingOf = (offer: RungOffer, { limitNano }: WindowView): Nano =>
  offer.until === null ? limitNano : percentOf(limitNano, offer.until)

/**
 * The output cap that each of these windows can pay for on this rung, or -1. Only a rung without `until` is shortened, and
 * never below its floor: near a step of the ladder the next model answers in full instead.
 */
export function affordableCap(offer: RungOffer, windows: readonly WindowView[]): number {
  let room = Number.MAX_SAFE_INTEGER
  for (const view of windows) room = Math.min(room, ceilingOf(offer, view) - view.usedNano)
  if (amountFor(offer, offer.capTokens) <= room) return offer.capTokens
  if (offer.until !== null) return -1
  const cap = shortenedCap(offer, room)
  return cap >= offer.floorTokens ? cap : -1
}

/** Position of the window that has the least room for this rung; -1 = there is none. */
export function tightestOf(offer: RungOffer, windows: readonly WindowView[]): number {
  let tightest = -1
  let least = Number.POSITIVE_INFINITY
  for (const [at, view] of windows.entries()) {
    const room = ceilingOf(offer, view) - view.usedNano
    if (room >= least) continue
    tightest = at
    least = room
  }
  return tightest
}

/**
 * Why not even the least of the last rung fits, and when that changes.
 * @param governs - whether a window is one that may block the rung.
 */
export function overBudget(
  offer: RungOffer,
  lines: readonly WindowLine[],
  views: readonly WindowView[],
  governs: (window: number) => boolean,
): Extract<AdmitReply, { outcome: 'over-budget' }> {
  const wanted = offer.until === null ? offer.floorTokens : offer.capTokens
  const least = amountFor(offer, wanted)
  let window = -1
  let limitNano = 0
  let resumeAtMs = 0
  let never = false
  const leftNano: Nano[] = []
  lines.forEach((line, index) => {
    const view = views[index]
    if (!view) return
    leftNano.push(view.limitNano - view.usedNano)
    if (!governs(index)) return
    const ceiling = ceilingOf(offer, view)
    if (least > ceiling) never = true
    if (view.usedNano + least <= ceiling) return
    if (line.endMs >= FOREVER_MS) never = true
    if (window < 0) {
      window = index
      limitNano = view.limitNano
    }
    resumeAtMs = Math.max(resumeAtMs, line.endMs)
  })
  resumeAtMs = never ? 0 : resumeAtMs
  return { outcome: 'over-budget', window, limitNano, leftNano, resumeAtMs }
}
