import { z } from 'zod'
import type { KeepTurnsCommand, KeepTurnsReply } from '../commands.ts'
import { begin, callScript, readReply, readUnavailable, type SlotCaller } from './caller.ts'
import { loadScript } from './load-script.ts'

const script = loadScript(new URL('./keep-turns.lua', import.meta.url))
const Kept = z.tuple([z.literal('kept'), z.int()])

/** Begins a lap of turns when one is over. @returns the lap that this caller is to bring what waits along to. */
export async function keepTurns(
  caller: SlotCaller,
  { queue, clean }: KeepTurnsCommand,
): Promise<KeepTurnsReply> {
  const words = begin(caller)
    .text(queue)
    .double(clean ?? -1)
  const raw = await callScript(caller, script, words)
  const closed = readUnavailable(raw)
  if (closed) return closed
  const [outcome, sweep] = readReply(script, Kept, raw)
  return { outcome, sweep: sweep < 0 ? null : sweep }
}
