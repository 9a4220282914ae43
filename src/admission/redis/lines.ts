import type {
  Chain,
  Conclusion,
  LimitLine,
  LimitState,
  RungOffer,
  WindowLine,
} from '../commands.ts'
import type { Writer } from './writer.ts'

/** How lines travel to the scripts, in the order that lib/*.lua name. */
export function writeLimits(writer: Writer, limits: readonly LimitLine[]): Writer {
  writer.byte(limits.length)
  for (const line of limits) {
    const kind = line.kind === 'concurrent' ? 'c' : line.kind === 'sliding-window' ? 's' : 'b'
    writer
      .byte(kind.charCodeAt(0))
      .text(line.key)
      .double(line.limit)
      .double(line.kind === 'concurrent' ? 0 : line.perMs)
      .double(line.kind === 'token-bucket' ? line.burst : 0)
      .flag(line.kind !== 'concurrent' && line.unit === 'calls')
  }
  return writer
}

export function writeRungs(writer: Writer, rungs: readonly RungOffer[]): Writer {
  writer.byte(rungs.length)
  for (const offer of rungs) {
    writer
      .text(offer.gate)
      .nano(offer.fixedNano)
      .double(offer.outputPico)
      .double(offer.capTokens)
      .double(offer.floorTokens)
      .double(offer.until ?? -1)
      .double(offer.inputTokens)
      .byte(offer.chain === undefined ? 0 : offer.chain + 1)
  }
  return writer
}

/** Where it will be written where the part of a chain begins and ends. */
export interface ChainPart {
  readonly chain: Chain
  readonly fromAt: number
  readonly toAt: number
}

export function writeChains(writer: Writer, chains: readonly Chain[]): ChainPart[] {
  writer.byte(chains.length)
  return chains.map((chain) => {
    for (const positions of [chain.windows, chain.limits]) {
      writer.byte(positions.length)
      for (const at of positions) writer.byte(at)
    }
    return { chain, fromAt: writer.reserveDouble(), toAt: writer.reserveDouble() }
  })
}

/** What opens a window, or changes its limit. */
export function writeWindowTerms(writer: Writer, windows: readonly WindowLine[]): Writer {
  for (const { startMs, endMs, limitNano, marks } of windows) {
    writer.double(startMs).double(endMs).nano(limitNano).text(marks.join(','))
  }
  return writer
}

export interface FixedPart {
  readonly job: string
  readonly windows: readonly string[]
  readonly limits: readonly LimitLine[]
  /** AttemptMeta as JSON. */
  readonly meta: string
}

/** What a hold keeps as it came (lib/attempts.lua). */
export function writeFixedPart(writer: Writer, fixed: FixedPart): Writer {
  writer.text(fixed.job).byte(fixed.windows.length)
  for (const key of fixed.windows) writer.text(key)
  return writeLimits(writer, fixed.limits).text(fixed.meta)
}

export const writeConclusion = (writer: Writer, conclusion: Conclusion): Writer =>
  writer
    .text(conclusion.outcome)
    .text(conclusion.reason)
    .text(conclusion.result)
    .text(conclusion.replyTo)
    .double(conclusion.resultTtlMs)
    .flag(conclusion.hasBody === true)

/** Pairs (remaining, resetAtMs) back to their lines. */
export const limitStates = (limits: readonly LimitLine[], flat: readonly number[]): LimitState[] =>
  limits.map(({ key }, i) => ({
    key,
    remaining: flat[2 * i] ?? 0,
    resetAtMs: flat[2 * i + 1] ?? 0,
  }))
