import { z } from 'zod'
import type { SettleCommand, SettleReply } from '../commands.ts'
import { createBatch } from './batch.ts'
import { readReply, readUnavailable, type SlotCaller } from './caller.ts'
import { byFirstWord } from './first-word.ts'
import { integers, integersIn } from './integers.ts'
import { writeConclusion, writeFixedPart } from './lines.ts'
import { loadScript } from './load-script.ts'
import { Writer } from './writer.ts'

const script = loadScript(new URL('./settle.lua', import.meta.url))

const Booked = z
  .tuple(
    [
      z.enum(['settled', 'adjusted', 'unchanged', 'orphan']),
      integers(['integer', 'amount', 'flag']),
    ],
    z.string(),
  )
  .transform(([outcome, digits, ...followers]) => {
    const [bookedNano = 0, overrunNano = 0, concluded = 0] = integersIn(digits)
    return { outcome, bookedNano, overrunNano, concluded: concluded === 1, followers }
  })

const Reply = byFirstWord({
  'too-old': z.tuple([z.literal('too-old')]).transform(([outcome]) => ({ outcome })),
  settled: Booked,
  adjusted: Booked,
  unchanged: Booked,
  orphan: Booked,
})

function packCommand(command: SettleCommand): Buffer {
  const { job, windows, meta, conclusion, cache, gate } = command
  const words = new Writer()
    .text(command.attempt)
    .text(command.kind)
    .text(command.flight ?? '')
    .nano(command.costNano)
    .double(command.atMs)
    .nano(command.holdNano)
    .double(command.tokens ?? -1)
    .double(command.outputTokens ?? -1)
    .text(command.detail)
    .flag(conclusion !== null)
    .flag(cache !== null)
    .flag(gate !== null)
  const fixedAt = words.reserveDouble()
  if (conclusion) writeConclusion(words, conclusion)
  if (cache) {
    const { key, body, ttlMs, staleForMs = 0, lastForMs = 0, costNano = 0 } = cache
    words.text(key).text(body).double(ttlMs).double(staleForMs).double(lastForMs).nano(costNano)
  }
  if (gate) words.text(gate.key).double(gate.untilMs)
  words.markPosition(fixedAt)
  return writeFixedPart(words, { job, windows, limits: [], meta }).done()
}

/** Books what is known of a call, and ends the request when a conclusion comes along. Never fenced. */
export function createSettle(caller: SlotCaller): (command: SettleCommand) => Promise<SettleReply> {
  return createBatch(caller, script, {
    pack: packCommand,
    read: (raw) => readUnavailable(raw) ?? readReply(script, Reply(raw), raw),
  })
}
