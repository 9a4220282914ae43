import type { Conclusion } from '../commands.ts'
import { stateKey } from '../model/limits/types.ts'
import type {
  Chain,
  LimitLine,
  LimitState,
  LimitUnit,
  RungOffer,
  TurnAsk,
  WindowLine,
} from '../plan-lines.ts'
import type { Writer } from './writer.ts'

const KIND = {
  'sliding-window': 's',
  'fixed-window': 'f',
  'token-bucket': 'b',
  concurrent: 'c',
} as const satisfies Record<LimitLine['kind'], string>

const UNITS: readonly LimitUnit[] = ['tokens', 'calls', 'input', 'output']
const HITS_ARE_FREE = 4

function flagsOf(line: LimitLine): number {
  if (line.kind === 'concurrent') return 0
  const free = line.countCached === false ? HITS_ARE_FREE : 0
  return UNITS.indexOf(line.unit ?? 'tokens') + free
}

/** How lines travel to the scripts, in the order that lib/*.lua name. */
export function writeLimits(writer: Writer, limits: readonly LimitLine[]): Writer {
  writer.byte(limits.length)
  for (const line of limits) {
    writer
      .byte(KIND[line.kind].charCodeAt(0))
      .text(stateKey(line))
      .double(line.limit)
      .double(line.kind === 'concurrent' ? 0 : line.perMs)
      .double(line.kind === 'token-bucket' ? line.burst : 0)
      .byte(flagsOf(line))
  }
  return writer
}

/** Who asks for a turn (lib/fair.lua); no queue = nobody. */
export const writeAsk = (writer: Writer, ask: TurnAsk | undefined): Writer =>
  writer
    .texts([ask?.queue ?? '', ask?.flow ?? ''])
    .double(ask?.costNano ?? 0)
    .double(ask?.weight ?? 1)

/** @param usual - number of the chain of rungs that name none; 0 = every window and limit of the plan. */
export function writeRungs(writer: Writer, rungs: readonly RungOffer[], usual: number): Writer {
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
      .byte(offer.chain === undefined ? usual : offer.chain + 1)
  }
  return writer
}

/** Where it will be written where the part of a chain begins and ends. */
export interface ChainPart {
  readonly chain: Chain
  readonly fromAt: number
  readonly toAt: number
}

/** @param blocks - whether the window at a position may refuse; those that may not are told apart. */
export function writeChains(
  writer: Writer,
  chains: readonly Chain[],
  blocks: (window: number) => boolean,
): ChainPart[] {
  writer.byte(chains.length)
  return chains.map((chain) => {
    const blocking = chain.windows.filter((at) => blocks(at))
    const watched = chain.windows.filter((at) => !blocks(at))
    for (const positions of [blocking, watched, chain.limits]) {
      writer.byte(positions.length)
      for (const at of positions) writer.byte(at)
    }
    return { chain, fromAt: writer.reserveDouble(), toAt: writer.reserveDouble() }
  })
}

/** What opens a window, or changes its limit. */
export function writeWindowTerms(writer: Writer, windows: readonly WindowLine[]): Writer {
  for (const { startMs, endMs, limitNano, warnOnly, marks } of windows) {
    writer.double(startMs).double(endMs).nano(limitNano)
    writer.flag(warnOnly === true).text(marks.join(','))
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
  writer.text(fixed.job).byte(fixed.windows.length).texts(fixed.windows)
  return writeLimits(writer, fixed.limits).text(fixed.meta)
}

export const writeConclusion = (writer: Writer, conclusion: Conclusion): Writer =>
  writer
    .texts([conclusion.outcome, conclusion.reason, conclusion.result, conclusion.replyTo])
    .double(conclusion.resultTtlMs)
    .flag(conclusion.hasBody === true)

/** Pairs (remaining, resetAtMs) back to their lines. */
export const limitStates = (limits: readonly LimitLine[], flat: readonly number[]): LimitState[] =>
  limits.map(({ key }, i) => ({
    key,
    remaining: flat[2 * i] ?? 0,
    resetAtMs: flat[2 * i + 1] ?? 0,
  }))
