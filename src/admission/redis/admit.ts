import { z } from 'zod'
import type { AdmitCommand, AdmitReply } from '../commands.ts'
import { OUTCOMES } from '../outbox.ts'
import { begin, callScript, readReply, readUnavailable, type SlotCaller } from './caller.ts'
import { writeFixedPart, writeRungs, writeWindowTerms } from './lines.ts'
import { loadScript } from './load-script.ts'
import { Writer } from './writer.ts'

const script = loadScript(new URL('./admit.lua', import.meta.url))

const int = z.int()
const Replies = z.array(z.unknown())
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
  z.tuple([z.literal('cached'), z.string()]).transform(([outcome, body]) => ({ outcome, body })),
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

/** One script decides about this many at most, so that it holds Redis for less than a millisecond or so. */
const BATCH = 16

function writeCommand(command: AdmitCommand): Writer {
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
  return words
}

interface Waiting {
  readonly packed: Buffer
  resolve(reply: AdmitReply): void
  reject(error: unknown): void
}

async function admitBatch(caller: SlotCaller, batch: readonly Waiting[]): Promise<void> {
  try {
    const packed = batch.map((one) => one.packed)
    const raw = readReply(script, Replies, await callScript(caller, script, begin(caller), packed))
    batch.forEach((one, i) => {
      const reply = raw[i]
      try {
        one.resolve(readUnavailable(reply) ?? readReply(script, Reply, reply))
      } catch (error) {
        one.reject(error)
      }
    })
  } catch (error) {
    for (const one of batch) one.reject(error)
  }
}

/**
 * Asks for holds; see `AdmitReply` for every answer. Replaying a live attempt answers the same hold. What one turn of
 * the event loop asks for travels together and is decided in that order, each command on its own.
 */
export function createAdmit(caller: SlotCaller): (command: AdmitCommand) => Promise<AdmitReply> {
  let waiting: Waiting[] = []
  const flush = () => {
    const all = waiting
    waiting = []
    for (let at = 0; at < all.length; at += BATCH) {
      void admitBatch(caller, all.slice(at, at + BATCH))
    }
  }
  return async (command) => {
    const packed = writeCommand(command).done()
    return new Promise((resolve, reject) => {
      waiting.push({ packed, resolve, reject })
      if (waiting.length === 1) setImmediate(flush)
    })
  }
}
