import { z } from 'zod'
import type { CreditCommand, CreditReply } from '../credit-command.ts'
import { begin, callScript, readReply, readUnavailable, type SlotCaller } from './caller.ts'
import { writeWindowTerms } from './lines.ts'
import { loadScript } from './load-script.ts'

const script = loadScript(new URL('./credit.lua', import.meta.url))

const int = z.int()
const Reply = z.union([
  z
    .tuple([z.literal('set'), int, int, int])
    .transform(([outcome, limitNano, spentNano, heldNano]) => ({
      outcome,
      limitNano,
      spentNano,
      heldNano,
    })),
  z.tuple([z.literal('lapsed')]).transform(([outcome]) => ({ outcome })),
])

/** Sets a credit of one window. Replaying it changes nothing. */
export async function credit(caller: SlotCaller, command: CreditCommand): Promise<CreditReply> {
  const { id, amountNano, untilMs, policy, line } = command
  const words = begin(caller).text(id).nano(amountNano).double(untilMs)
  writeWindowTerms(words.text(line.key).double(policy), [line])
  const raw = await callScript(caller, script, words)
  return readUnavailable(raw) ?? readReply(script, Reply, raw)
}
