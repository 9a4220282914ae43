import { z } from 'zod'
import type { AdmitCommand, AdmitReply, Passed } from '../commands.ts'
import { blocks, governing } from '../model/chains.ts'
import { OUTCOMES } from '../outbox.ts'
import type { Chain } from '../plan-lines.ts'
import { createBatch } from './batch.ts'
import { KEPT, keptReply, openersText } from './cached.ts'
import { readReply, readUnavailable, type SlotCaller } from './caller.ts'
import { byFirstWord } from './first-word.ts'
import { integers, integersIn } from './integers.ts'
import {
  type FixedPart,
  writeAsk,
  writeChains,
  writeFixedPart,
  writeRungs,
  writeWindowTerms,
} from './lines.ts'
import { loadScript } from './load-script.ts'
import { Writer } from './writer.ts'

const script = loadScript(new URL('./admit.lua', import.meta.url))

const int = z.int()
const Why = z.enum(['', 'damaged', 'unknown-version', 'unknown-key', 'wrong-key'])

/** Pairs of by and index, as they came. */
function passedOf(flat: readonly (Passed['by'] | number)[]): Passed[] {
  const passed: Passed[] = []
  flat.forEach((by, at) => {
    const index = flat[at + 1]
    if (typeof by === 'string' && typeof index === 'number') passed.push({ by, index })
  })
  return passed
}

/** Rung, amount, cap, take and time. */
const HeldDigits = integers(['integer', 'integer', 'integer', 'integer', 'integer'])
const Held = z
  .tuple(
    [z.literal('held'), HeldDigits, z.string(), Why],
    z.union([z.enum(['budget', 'gate', 'limit']), int]),
  )
  .transform(([outcome, digits, acked, why, ...passed]) => {
    const [rung = 0, holdNano = 0, capTokens = 0, n = 0, atMs = 0] = integersIn(digits)
    const held = { outcome, rung, holdNano, capTokens, n, atMs, acked, passed: passedOf(passed) }
    return why === '' ? held : { ...held, unreadable: why }
  })
const Withdrawn = z.tuple([z.enum(['cancelled', 'void'])]).transform(([outcome]) => ({ outcome }))

const Reply = byFirstWord({
  held: Held,
  concluded: z
    .tuple([z.literal('concluded'), z.enum(OUTCOMES)])
    .transform(([outcome, as]) => ({ outcome, as })),
  cached: z
    .tuple([...KEPT, z.string()])
    .transform((told) => ({ outcome: told[0], joined: told[4], ...keptReply(told).kept })),
  joined: z
    .tuple([z.literal('joined'), int, z.string()])
    .transform(([outcome, untilMs, attempt]) => ({ outcome, untilMs, attempt })),
  cancelled: Withdrawn,
  void: Withdrawn,
  late: z
    .tuple([z.literal('late'), int])
    .transform(([outcome, priority]) => ({ outcome, priority })),
  'takes-exhausted': z
    .tuple([z.literal('takes-exhausted'), int])
    .transform(([outcome, n]) => ({ outcome, n })),
  'over-budget': z
    .tuple([z.literal('over-budget'), int, int, int], int)
    .transform(([outcome, window, resumeAtMs, limitNano, ...leftNano]) => ({
      outcome,
      window,
      resumeAtMs,
      limitNano,
      leftNano,
    })),
  busy: z.union([
    z
      .tuple([z.literal('busy'), z.literal('gate'), int, int])
      .transform(([outcome, by, index, resumeAtMs]) => ({ outcome, by, index, resumeAtMs })),
    z
      .tuple([z.literal('busy'), z.literal('limit'), int, int, int, int])
      .transform(([outcome, by, index, resumeAtMs, remaining, resetAtMs]) => ({
        outcome,
        by,
        index,
        resumeAtMs,
        remaining,
        resetAtMs,
      })),
  ]),
  stale: z
    .tuple([z.literal('stale'), int, int])
    .transform(([outcome, nowMs, policy]) => ({ outcome, nowMs, policy })),
})

/** As admit.lua numbers them. */
const ACCEPTS = ['nothing', 'fresh', 'stale'] as const
/** Added to it: joins nobody. */
const ALONE = 4

function fixedPart(command: AdmitCommand, chain: Chain | undefined): FixedPart {
  const { windows, limits } = governing(command, chain)
  const { job, meta } = command
  const keys = windows.map(({ item }) => item.key)
  return { job, windows: keys, limits: limits.map(({ item }) => item), meta }
}

/** Every window and limit of a plan; null where that need not be said, since all of its windows may refuse. */
function everythingIn({ windows, limits }: AdmitCommand): Chain | null {
  if (!windows.some(({ warnOnly }) => warnOnly)) return null
  return { windows: [...windows.keys()], limits: [...limits.keys()] }
}

function packCommand(command: AdmitCommand): Buffer {
  const { windows, rungs, turn } = command
  const everything = everythingIn(command)
  const chains = [...(command.chains ?? []), ...(everything ? [everything] : [])]
  let fromMs = 0
  let untilMs = Number.MAX_SAFE_INTEGER
  for (const { startMs, endMs } of windows) {
    fromMs = Math.max(fromMs, startMs)
    untilMs = Math.min(untilMs, endMs)
  }
  const words = new Writer()
    .text(command.attempt)
    .double(command.policy)
    .double(fromMs)
    .double(untilMs)
    .double(command.maxTakes)
    .double(command.ttlMs)
    .text(command.cacheKey ?? '')
    .text(openersText(command.look))
    .byte(ACCEPTS.indexOf(command.accepts ?? 'stale') + (command.joins === false ? ALONE : 0))
  const termsAt = words.reserveDouble()
  const fixedAt = words.reserveDouble()
  words.double(turn?.priority ?? 0)
  writeAsk(words, turn && { ...turn, flow: turn.again ? turn.flow : '' })
  const parts = writeChains(words, chains, blocks(windows, undefined))
  writeRungs(words, rungs, everything ? chains.length : 0)
  words.markPosition(termsAt)
  writeWindowTerms(words, windows)
  for (const { chain, fromAt, toAt } of parts) {
    words.markPosition(fromAt)
    if (chain === everything) words.markPosition(fixedAt)
    writeFixedPart(words, fixedPart(command, chain))
    words.markPosition(toAt)
  }
  if (everything) return words.done()
  words.markPosition(fixedAt)
  writeFixedPart(words, fixedPart(command, undefined))
  return words.done()
}

/** Asks for holds; see `AdmitReply` for every answer. Replaying a live attempt answers the same hold. */
export function createAdmit(caller: SlotCaller): (command: AdmitCommand) => Promise<AdmitReply> {
  return createBatch(caller, script, {
    pack: packCommand,
    read: (raw) => readUnavailable(raw) ?? readReply(script, Reply(raw), raw),
  })
}
