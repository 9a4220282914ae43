import { z } from 'zod'
import { begin, callScript, readReply, type SlotCaller } from './caller.ts'
import type { Script } from './load-script.ts'

/** One script decides about this many at most, so that it holds Redis for a millisecond or so. */
const BATCH = 16

const Replies = z.array(z.unknown())

interface Waiting<C, R> {
  readonly command: C
  readonly packed: Buffer
  resolve(reply: R): void
  reject(error: unknown): void
}

/** How commands of one script travel. */
interface Packing<C, R> {
  readonly pack: (command: C) => Buffer
  /** Turns one command's raw reply into its type, or throws. */
  readonly read: (raw: unknown, command: C) => R
}

/**
 * Runs a script that takes a command per argument: what one turn of the event loop asks for travels together and is
 * decided in that order, each command on its own. A full batch leaves at once, so that Redis works on it while the
 * rest of the turn is still being put together.
 */
export function createBatch<C, R>(
  caller: SlotCaller,
  script: Script,
  { pack, read }: Packing<C, R>,
): (command: C) => Promise<R> {
  let waiting: Waiting<C, R>[] = []

  const send = async (batch: readonly Waiting<C, R>[]): Promise<void> => {
    try {
      const packed = batch.map((one) => one.packed)
      const raw = readReply(
        script,
        Replies,
        await callScript(caller, script, begin(caller), packed),
      )
      batch.forEach((one, i) => {
        try {
          one.resolve(read(raw[i], one.command))
        } catch (error) {
          one.reject(error)
        }
      })
    } catch (error) {
      for (const one of batch) one.reject(error)
    }
  }
  const flush = (): void => {
    const batch = waiting
    waiting = []
    if (batch.length > 0) void send(batch)
  }

  return (command) =>
    new Promise((resolve, reject) => {
      waiting.push({ command, packed: pack(command), resolve, reject })
      if (waiting.length === BATCH) flush()
      else if (waiting.length === 1) setImmediate(flush)
    })
}
