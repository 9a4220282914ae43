import { z } from 'zod'
import type { AdoptCommand, AdoptReply } from '../adopt-command.ts'
import { latestEndMs } from '../latest-end.ts'
import { begin, callScript, readReply, readUnavailable, type SlotCaller } from './caller.ts'
import { writeFixedPart } from './lines.ts'
import { loadScript } from './load-script.ts'
import { Writer } from './writer.ts'

const script = loadScript(new URL('./adopt.lua', import.meta.url))

const Replies = z.array(z.array(z.unknown()))
const Reply = z.union([
  z.tuple([z.literal('known')]).transform(([outcome]) => ({ outcome })),
  z
    .tuple([z.literal('adopted'), z.enum(['H', 'S', 'U']), z.int(), z.int().min(0)])
    .transform(([outcome, state, bookedNano, overrunNano]) => ({
      outcome,
      state,
      bookedNano,
      overrunNano,
    })),
])

function packCommand(command: AdoptCommand): Buffer {
  const { ledger, job, windows, meta } = command
  const words = new Writer().text(command.attempt).text(ledger?.state ?? '')
  words
    .nano(ledger?.bookedNano ?? 0)
    .double(ledger?.epoch ?? 0)
    .double(ledger?.rev ?? 0)
  words.text(command.as).nano(command.costNano).double(command.ttlMs).double(command.rung)
  words.nano(command.holdNano).double(command.capTokens).double(command.n).double(command.atMs)
  const fixedAt = words.text(command.detail).reserveDouble()
  for (const key of windows) words.double(latestEndMs(key))
  words.markPosition(fixedAt)
  return writeFixedPart(words, { job, windows, limits: [], meta }).done()
}

/**
 * Makes records of lost attempts again, in one step. Again is harmless.
 * @param claim - of whoever fills a closed slot; '' = the slot is open.
 * @returns null when the claim is gone.
 */
export async function adoptAll(
  caller: SlotCaller,
  commands: readonly AdoptCommand[],
  claim = '',
): Promise<readonly AdoptReply[] | null> {
  const raw = await callScript(caller, script, begin(caller).text(claim), commands.map(packCommand))
  const replies = readReply(script, Replies, raw)
  if (replies.some(([first]) => first === 'not-claimed')) return null
  return replies.map((reply) => readUnavailable(reply) ?? readReply(script, Reply, reply))
}

/** Makes the record of one lost attempt again in an open slot. */
export async function adopt(caller: SlotCaller, command: AdoptCommand): Promise<AdoptReply> {
  const [reply] = (await adoptAll(caller, [command])) ?? []
  return reply ?? { outcome: 'unavailable' }
}
