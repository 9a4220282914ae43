import { z } from 'zod'
import type {
  ExpiredHold,
  ExpireReply,
  ReleaseCommand,
  ReleaseReply,
  RenewCommand,
  RenewReply,
} from '../commands.ts'
import { begin, callScript, readReply, readUnavailable, type SlotCaller } from './caller.ts'
import { loadScript } from './load-script.ts'

const releaseScript = loadScript(new URL('./release.lua', import.meta.url))
const renewScript = loadScript(new URL('./renew.lua', import.meta.url))
const expireScript = loadScript(new URL('./expire.lua', import.meta.url))

const Release = z.tuple([z.enum(['released', 'kept'])], z.string())
const Renew = z.tuple([z.literal('renewed')], z.string())
const Expire = z.tuple([z.literal('expired'), z.int()], z.union([z.string(), z.int()]))
const Hold = z.tuple([z.string(), z.string(), z.int()])

/** Gives back the hold of an attempt that has not sent and never will. */
export async function release(caller: SlotCaller, command: ReleaseCommand): Promise<ReleaseReply> {
  const words = begin(caller)
    .text(command.attempt)
    .text(command.job)
    .text(command.flight ?? '')
  const raw = await callScript(caller, releaseScript, words)
  const closed = readUnavailable(raw)
  if (closed) return closed
  const [outcome, ...followers] = readReply(releaseScript, Release, raw)
  return { outcome, followers }
}

/** Keeps live holds. @returns the attempts that are held no more. */
export async function renew(caller: SlotCaller, command: RenewCommand): Promise<RenewReply> {
  const words = begin(caller).double(command.ttlMs).double(command.attempts.length)
  for (const attempt of command.attempts) words.text(attempt)
  const raw = await callScript(caller, renewScript, words)
  const closed = readUnavailable(raw)
  if (closed) return closed
  const [, ...lost] = readReply(renewScript, Renew, raw)
  return { outcome: 'renewed', lost }
}

/** Books at most `limit` due holds whole. */
export async function expire(caller: SlotCaller, limit: number): Promise<ExpireReply> {
  const raw = await callScript(caller, expireScript, begin(caller).double(limit))
  const closed = readUnavailable(raw)
  if (closed) return closed
  const [, due, ...flat] = readReply(expireScript, Expire, raw)
  const holds: ExpiredHold[] = []
  for (let i = 0; i < flat.length; i += 3) {
    const [attempt, job, holdNano] = readReply(expireScript, Hold, flat.slice(i, i + 3))
    holds.push({ attempt, job, holdNano })
  }
  return { outcome: 'expired', holds, more: due === limit }
}
