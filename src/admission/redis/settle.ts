import { z } from 'zod'
import type { SettleCommand, SettleReply } from '../commands.ts'
import { callScript, readReply, readUnavailable, type SlotCaller } from './caller.ts'
import { loadScript } from './load-script.ts'

const script = loadScript(new URL('./settle.lua', import.meta.url))

const Reply = z.union([
  z.tuple([z.literal('too-old')]).transform(([outcome]) => ({ outcome })),
  z
    .tuple([
      z.enum(['settled', 'adjusted', 'unchanged', 'orphan']),
      z.int(),
      z.int().min(0),
      z.literal([0, 1]),
    ])
    .transform(([outcome, bookedNano, overrunNano, concluded]) => ({
      outcome,
      bookedNano,
      overrunNano,
      concluded: concluded === 1,
    })),
])

/** Books what is known of a call, and ends the request when a conclusion comes along. Never fenced. */
export async function settle(caller: SlotCaller, command: SettleCommand): Promise<SettleReply> {
  const raw = await callScript(caller, script, {
    attempt: command.attempt,
    job: command.job,
    kind: command.kind,
    cost: command.costNano,
    at: command.atMs,
    hold: command.holdNano,
    windows: command.windows,
    tokens: command.tokens ?? -1,
    meta: command.meta,
    detail: command.detail,
    conclusion: command.conclusion ?? false,
    cache: command.cache ?? false,
    gate: command.gate ?? false,
  })
  return readUnavailable(raw) ?? readReply(script, Reply, raw)
}
