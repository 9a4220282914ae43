import type { LimitLine, LimitState, RungOffer, WindowLine } from '../commands.ts'

/** How lines travel to the scripts: rows, in the order that lib/*.lua names. */
export const limitRow = (line: LimitLine): (string | number)[] => {
  if (line.kind === 'concurrent') return ['c', line.key, line.limit, 0, 0]
  if (line.kind === 'sliding-window') return ['s', line.key, line.limit, line.perMs, 0]
  return ['b', line.key, line.limit, line.perMs, line.burst]
}

export const windowRow = (line: WindowLine): (string | number)[] => [
  line.key,
  line.startMs,
  line.endMs,
  line.limitNano,
  line.marks.join(','),
]

export const rungRow = (offer: RungOffer): (string | number)[] => [
  offer.gate,
  offer.fixedNano,
  offer.outputPico,
  offer.capTokens,
  offer.floorTokens,
  offer.until ?? -1,
  offer.inputTokens,
]

/** Pairs (remaining, resetAtMs) back to their lines. */
export const limitStates = (limits: readonly LimitLine[], flat: readonly number[]): LimitState[] =>
  limits.map(({ key }, i) => ({
    key,
    remaining: flat[2 * i] ?? 0,
    resetAtMs: flat[2 * i + 1] ?? 0,
  }))
