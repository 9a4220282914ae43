import { z } from 'zod'
import type { TakeLimitsCommand, TakeLimitsReply } from '../commands.ts'
import { createBatch } from './batch.ts'
import { readReply, readUnavailable, type SlotCaller } from './caller.ts'
import { limitStates, writeLimits } from './lines.ts'
import { loadScript } from './load-script.ts'
import { Writer } from './writer.ts'

const script = loadScript(new URL('./take-limits.lua', import.meta.url))

const Reply = z.union([
  z.tuple([z.literal('taken')], z.int()),
  z.tuple([z.literal('refused'), z.int()], z.int()),
])

function readTaken(raw: unknown, { limits }: TakeLimitsCommand): TakeLimitsReply {
  const closed = readUnavailable(raw)
  if (closed) return closed
  const reply = readReply(script, Reply, raw)
  if (reply[0] === 'taken') {
    const [outcome, ...flat] = reply
    return { outcome, limits: limitStates(limits, flat) }
  }
  const [outcome, limit, ...flat] = reply
  return { outcome, limit, limits: limitStates(limits, flat) }
}

/** Takes one of each limit, or of none when one is full. */
export function createTakeLimits(
  caller: SlotCaller,
): (command: TakeLimitsCommand) => Promise<TakeLimitsReply> {
  return createBatch(caller, script, {
    pack: ({ limits }) => writeLimits(new Writer(), limits).done(),
    read: readTaken,
  })
}
