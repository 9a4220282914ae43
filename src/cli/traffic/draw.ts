/** The next number in [0, 1) of a sequence that its seed fixes. */
export type Draw = () => number

/** An endless sequence for one item of one seed: what is drawn for an item depends on no other item. */
export function createDraw(seed: number, item = 0): Draw {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(item + 1, 0x85ebca77)) >>> 0
  // mulberry32
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A whole number from 0 to `below` - 1. */
export const drawInt = (draw: Draw, below: number): number => Math.floor(draw() * below)

/** One of the items; undefined when there is none. */
export const drawOne = <T>(draw: Draw, items: readonly T[]): T | undefined =>
  items[drawInt(draw, items.length)]
