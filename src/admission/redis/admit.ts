import { z } from 'zod'
import type { AdmitCommand, AdmitReply, Chain } from '../commands.ts'
import { governing } from '../model/chains.ts'
import { OUTCOMES } from '../outbox.ts'
import { createBatch } from './batch.ts'
import { readReply, readUnavailable, type SlotCaller } from './caller.ts'
import {
  type FixedPart,
  writeChains,
  writeFixedPart,
  writeRungs,
  writeWindowTerms,
} from './lines.ts'
import { loadScript } from './load-script.ts'
import { Writer } from './writer.ts'

const script = loadScript(new URL('./admit.lua', import.meta.url))

const int = z.int()
const Reply = z.union([
  z
    .tuple([z.literal('held'), int, int, int, int, int, z.string()])
    .transform(([outcome, rung, holdNano, capTokens, n, atMs, acked]) => ({
      outcome,
      rung,
      holdNano,
      capTokens,
      n,
      atMs,
      acked,
    })),
  z
    .tuple([z.literal('concluded'), z.enum(OUTCOMES)])
    .transform(([outcome, as]) => ({ outcome, as })),
  z
    .tuple([z.literal('cached'), z.string(), z.string()])
    .transform(([outcome, body, joined]) => ({ outcome, body, joined })),
  z.tuple([z.literal('joined'), int]).transform(([outcome, untilMs]) => ({ outcome, untilMs })),
  z.tuple([z.enum(['cancelled', 'void'])]).transform(([outcome]) => ({ outcome })),
  z.tuple([z.literal('takes-exhausted'), int]).transform(([outcome, n]) => ({ outcome, n })),
  z
    .tuple([z.literal('over-budget'), int, int], int)
    .transform(([outcome, window, resumeAtMs, ...leftNano]) => ({
      outcome,
      window,
      resumeAtMs,
      leftNano,
    })),
  z
    .tuple([z.literal('busy'), z.enum(['gate', 'limit']), int, int])
    .transform(([outcome, by, index, resumeAtMs]) => ({ outcome, by, index, resumeAtMs })),
  z
    .tuple([z.literal('stale'), int, int])
    .transform(([outcome, nowMs, policy]) => ({ outcome, nowMs, policy })),
])

function fixedPart(command: AdmitCommand, chain: Chain | undefined): FixedPart {
  const { windows, limits } = governing(command, chain)
  const { job, meta } = command
  const keys = windows.map(({ item }) => item.key)
  return { job, windows: keys, limits: limits.map(({ item }) => item), meta }
}

function packCommand(command: AdmitCommand): Buffer {
  const { windows, rungs, chains = [] } = command
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
  const termsAt = words.reserveDouble()
  const fixedAt = words.reserveDouble()
  const parts = writeChains(words, chains)
  writeRungs(words, rungs)
  words.markPosition(termsAt)
  writeWindowTerms(words, windows)
  for (const { chain, fromAt, toAt } of parts) {
    words.markPosition(fromAt)
    writeFixedPart(words, fixedPart(command, chain))
    words.markPosition(toAt)
  }
  words.markPosition(fixedAt)
  writeFixedPart(words, fixedPart(command, undefined))
  return words.done()
}

/** Asks for holds; see `AdmitReply` for every answer. Replaying a live attempt answers the same hold. */
export function createAdmit(caller: SlotCaller): (command: AdmitCommand) => Promise<AdmitReply> {
  const ask = createBatch(
    caller,
    script,
    (raw) => readUnavailable(raw) ?? readReply(script, Reply, raw),
  )
  return async (command) => ask(packCommand(command))
}
