import type { Redis } from 'ioredis'
import { z } from 'zod'
import { BursarError, messageOf } from '../../errors.ts'
import type { Unavailable } from '../commands.ts'
import type { SlotKeys } from '../keys.ts'
import { callFunction, send } from './call-function.ts'
import type { Script } from './load-script.ts'
import { Writer } from './writer.ts'

/** Runs one script against one slot: the only place that knows how a command travels. */
export interface SlotCaller {
  readonly redis: Redis
  readonly keys: SlotKeys
  /** The epoch that this process believes in. */
  epoch(): number
  /** 0 = the server's TIME. */
  nowMs(): number
}

/** Every command begins with the epoch and the time; the script's wrapper writes the rest. */
export const begin = (caller: SlotCaller): Writer =>
  new Writer().double(caller.epoch()).double(caller.nowMs())

/**
 * @returns the raw reply, to be parsed by the wrapper.
 * @throws {BursarError} STORE_UNAVAILABLE when Redis cannot be reached in time: whether the script ran is unknown.
 */
export async function callScript(
  caller: SlotCaller,
  script: Script,
  command: Writer,
  more: readonly Buffer[] = [],
): Promise<unknown> {
  const { redis, keys } = caller
  const words = [1, keys.slot, command.done(), ...more]
  try {
    const called = script.asFunction && (await callFunction(redis, script.asFunction, words))
    if (called) return called.reply
    return await sendScript(redis, script, words)
  } catch (error) {
    throw unavailable(script, error)
  }
}

async function sendScript(
  redis: Redis,
  script: Script,
  words: readonly (string | number | Buffer)[],
): Promise<unknown> {
  try {
    return await send(redis, 'evalsha', [script.sha, ...words])
  } catch (error) {
    if (!isNoScript(error)) throw error
    return send(redis, 'eval', [script.text, ...words])
  }
}

const isNoScript = (error: unknown): boolean => messageOf(error).startsWith('NOSCRIPT')

const unavailable = (script: Script, cause: unknown): BursarError =>
  new BursarError(
    'STORE_UNAVAILABLE',
    `Redis did not answer ${script.name}: ${messageOf(cause)}; check that it is up and REDIS_URL is right`,
    { cause, retryable: true, detail: { script: script.name } },
  )

const Refusals = z.union([
  z.tuple([z.literal('unavailable')]),
  z.tuple([z.literal('epoch-changed'), z.int()]),
])

/** @returns the closed slot's reply, null for any other. */
export function readUnavailable(raw: unknown): Unavailable | null {
  if (!Array.isArray(raw) || (raw[0] !== 'unavailable' && raw[0] !== 'epoch-changed')) return null
  const reply = Refusals.parse(raw)
  return reply[0] === 'unavailable'
    ? { outcome: 'unavailable' }
    : { outcome: 'epoch-changed', epoch: reply[1] }
}

/** @throws {BursarError} UNREADABLE_REPLY: the script and its wrapper are of different versions. */
export function readReply<T extends z.ZodType>(
  script: Script,
  schema: T,
  raw: unknown,
): z.output<T> {
  const parsed = schema.safeParse(raw)
  if (parsed.success) return parsed.data
  throw new BursarError(
    'UNREADABLE_REPLY',
    `${script.name} answered what its wrapper cannot read: ${z.prettifyError(parsed.error)}`,
    { detail: { script: script.name } },
  )
}
