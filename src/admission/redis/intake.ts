import { z } from 'zod'
import type {
  CancelReply,
  ConcludeCommand,
  ConcludeReply,
  IntakeCommand,
  IntakeReply,
  WindowLeft,
} from '../commands.ts'
import { OUTCOMES } from '../outbox.ts'
import { createBatch } from './batch.ts'
import { KEPT, keptReply, openersText } from './cached.ts'
import { begin, callScript, readReply, readUnavailable, type SlotCaller } from './caller.ts'
import { byFirstWord } from './first-word.ts'
import { integers, integersIn } from './integers.ts'
import { limitStates, writeAsk, writeConclusion, writeLimits } from './lines.ts'
import { loadScript } from './load-script.ts'
import { Writer } from './writer.ts'

const intakeScript = loadScript(new URL('./intake.lua', import.meta.url))
const concludeScript = loadScript(new URL('./conclude.lua', import.meta.url))
const cancelScript = loadScript(new URL('./cancel.lua', import.meta.url))

const Intake = byFirstWord({
  queued: z.tuple([z.literal('queued'), integers(['integer', 'integer'], { more: true })]),
  cached: z.tuple(KEPT),
  concluded: z.tuple([z.literal('concluded'), z.enum(OUTCOMES), z.string().nullish()]),
  refused: z.tuple([z.literal('refused'), integers(['integer'], { more: true })]),
})
const Conclude = z.union([
  z.tuple([z.literal('concluded')]).transform(([outcome]) => ({ outcome })),
  z.tuple([z.literal('already'), z.enum(OUTCOMES)]).transform(([outcome, as]) => ({ outcome, as })),
])
const Cancel = z.union([
  z.tuple([z.literal('flagged')]).transform(([outcome]) => ({ outcome })),
  z.tuple([z.literal('already'), z.enum(OUTCOMES)]).transform(([outcome, as]) => ({ outcome, as })),
])

function packIntake(command: IntakeCommand): Buffer {
  const words = new Writer()
    .texts([
      command.job,
      command.cacheKey ?? '',
      openersText(command.look),
      command.look?.has ?? '',
      command.meta,
    ])
    .flag(command.body !== null)
    .text(command.body?.text ?? '')
    .double(command.body?.ttlMs ?? 0)
  writeLimits(writeAsk(words, command.turn), command.limits)
  const { windows = [] } = command
  return words.byte(windows.length).texts(windows).done()
}

/** @param flat - of each limit a pair, then of each window its limit and what is left, -1 = nobody has held against it. */
const windowsLeft = (
  { limits, windows = [] }: IntakeCommand,
  flat: readonly number[],
): (WindowLeft | null)[] =>
  windows.map((_, i) => {
    const at = 2 * (limits.length + i)
    const limitNano = flat[at] ?? -1
    return limitNano < 0 ? null : { limitNano, leftNano: flat[at + 1] ?? 0 }
  })

function readIntake(raw: unknown, command: IntakeCommand): IntakeReply {
  const closed = readUnavailable(raw)
  if (closed) return closed
  const reply = readReply(intakeScript, Intake(raw), raw)
  if (reply[0] === 'concluded') {
    return { outcome: 'concluded', as: reply[1], result: reply[2] ?? null }
  }
  if (reply[0] === 'cached') {
    const { kept, rest } = keptReply(reply)
    const limits = limitStates(command.limits, rest)
    // A copy comes last: V8 takes twenty times as long to add to one.
    return { outcome: 'cached', limits, windows: windowsLeft(command, rest), ...kept }
  }
  const [outcome, digits] = reply
  if (outcome === 'refused') {
    const [limit = 0, ...flat] = integersIn(digits)
    return { outcome, limit, limits: limitStates(command.limits, flat) }
  }
  const [countedAtMs = 0, priority = 0, ...flat] = integersIn(digits)
  return { outcome, priority, countedAtMs, limits: limitStates(command.limits, flat) }
}

/** Counts the request against its limits, looks into the exact cache, and recognises a job id seen before. */
export const createIntake = (
  caller: SlotCaller,
): ((command: IntakeCommand) => Promise<IntakeReply>) =>
  createBatch(caller, intakeScript, { pack: packIntake, read: readIntake })

/** Ends a request that no attempt ends. First one wins. */
export async function conclude(
  caller: SlotCaller,
  command: ConcludeCommand,
): Promise<ConcludeReply> {
  const { limits = [], atMs = 0 } = command.uncount ?? {}
  const words = writeConclusion(begin(caller).text(command.job).text(command.meta), command)
  const raw = await callScript(
    caller,
    concludeScript,
    writeLimits(words, limits)
      .double(atMs)
      .nano(command.savedNano ?? 0),
  )
  return readUnavailable(raw) ?? readReply(concludeScript, Conclude, raw)
}

/** Flags the job and tells every worker. */
export async function cancel(caller: SlotCaller, job: string): Promise<CancelReply> {
  const raw = await callScript(caller, cancelScript, begin(caller).text(job))
  return readUnavailable(raw) ?? readReply(cancelScript, Cancel, raw)
}
