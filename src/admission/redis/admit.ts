import { z } from 'zod'
import type { AdmitCommand, AdmitReply } from '../commands.ts'
import { OUTCOMES } from '../outbox.ts'
import { createBatch } from './batch.ts'
import { readReply, readUnavailable, type SlotCaller } from './caller.ts'
import { writeFixedPart, writeRungs, writeWindowTerms } from './lines.ts'
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

function packCommand(command: AdmitCommand): Buffer {
  const { windows, rungs, limits, job, meta } = command
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
  writeRungs(words, rungs)
  words.markPosition(termsAt)
  writeWindowTerms(words, windows)
  words.markPosition(fixedAt)
  writeFixedPart(words, { job, windows: windows.map(({ key }) => key), limits, meta })
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
