const MINUTE_MS = 60_000

/** Pauses after the first try that failed, the second and so on, ms: about eight hours in all. */
export const PAUSES_MS: readonly number[] = [
  ...[5_000, 30_000, 2 * MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS],
  ...new Array<number>(7).fill(60 * MINUTE_MS),
]

/** Half of a pause is random, so that what failed together does not come back together. */
const SHARE = 0.5

/**
 * How long to wait before the next try.
 * @param tries - made so far, >= 1.
 * @param askedMs - what the receiver asked for, if it did.
 * @returns null when it is given up.
 */
export function pauseAfter(tries: number, askedMs = 0, random = Math.random): number | null {
  const pause = PAUSES_MS[tries - 1]
  if (pause === undefined) return null
  return Math.max(askedMs, Math.round(pause * (1 - SHARE * random())))
}
