import { hash } from 'node:crypto'

/** A number in [0, 1). */
export type Draw = () => number

/** @returns 32 well-mixed bits of two integers (the finaliser of MurmurHash3). */
export function mix(a: number, b: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** The n-th draw of a seed, in [0, 1); the same for ever. */
export const drawAt = (seed: number, n: number): number => mix(seed, n) / 2 ** 32

/** An endless sequence fixed by its seed (mulberry32). */
export function createDraw(seed: number): Draw {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** @returns a whole number in [from, to]. */
export const between = (draw: Draw, from: number, to: number): number =>
  from + Math.floor(draw() * (to - from + 1))

/** JSON with sorted keys: equal for equal values, whatever order they were written in. */
export function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join()}}`
}

/** @returns 32 bits that stand for a text under a seed. */
export const fingerprint = (seed: number, text: string): number =>
  mix(seed, Number.parseInt(hash('sha1', text).slice(0, 8), 16))
