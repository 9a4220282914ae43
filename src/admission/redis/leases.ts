import { z } from 'zod'
import type {
  BookLeaseCommand,
  BookLeaseReply,
  CloseLeaseCommand,
  CloseLeaseReply,
  LeaseCommand,
  LeaseReply,
} from '../lease-commands.ts'
import { FOREVER_MS } from '../plan-lines.ts'
import { begin, callScript, readReply, readUnavailable, type SlotCaller } from './caller.ts'
import { writeConclusion, writeFixedPart, writeWindowTerms } from './lines.ts'
import { loadScript } from './load-script.ts'

const leaseScript = loadScript(new URL('./lease.lua', import.meta.url))
const bookScript = loadScript(new URL('./book-lease.lua', import.meta.url))
const closeScript = loadScript(new URL('./close-lease.lua', import.meta.url))

const int = z.int()
const Lease = z.union([
  z
    .tuple([z.literal('held'), int, int])
    .transform(([outcome, amountNano, atMs]) => ({ outcome, amountNano, atMs })),
  z
    .tuple([z.literal('over-budget'), int], int)
    .transform(([outcome, window, ...leftNano]) => ({ outcome, window, leftNano })),
  z.tuple([z.literal('void')]).transform(([outcome]) => ({ outcome })),
  z
    .tuple([z.literal('stale'), int, int])
    .transform(([outcome, nowMs, policy]) => ({ outcome, nowMs, policy })),
])
const Book = z.union([
  z.tuple([z.literal('too-old')]).transform(([outcome]) => ({ outcome })),
  z
    .tuple([
      z.enum(['booked', 'adjusted', 'unchanged', 'orphan']),
      int,
      int.min(0),
      z.literal([0, 1]),
    ])
    .transform(([outcome, bookedNano, overrunNano, concluded]) => ({
      outcome,
      bookedNano,
      overrunNano,
      concluded: concluded === 1,
    })),
])
const Close = z.union([
  z
    .tuple([z.literal('closed'), int])
    .transform(([outcome, releasedNano]) => ({ outcome, releasedNano })),
  z.tuple([z.literal('unreplayed'), int]).transform(([outcome, missing]) => ({ outcome, missing })),
])

/** Takes an allowance. Replaying it changes nothing. */
export async function lease(caller: SlotCaller, command: LeaseCommand): Promise<LeaseReply> {
  const { windows, process: job } = command
  const words = begin(caller)
    .text(command.lease)
    .nano(command.amountNano)
    .double(command.policy)
    .double(Math.max(0, ...windows.map(({ startMs }) => startMs)))
    .double(Math.min(FOREVER_MS, ...windows.map(({ endMs }) => endMs)))
    .double(command.ttlMs)
  const [termsAt, fixedAt] = [words.reserveDouble(), words.reserveDouble()]
  words.markPosition(termsAt)
  writeWindowTerms(words, windows)
  words.markPosition(fixedAt)
  writeFixedPart(words, { job, windows: windows.map(({ key }) => key), limits: [], meta: '' })
  const raw = await callScript(caller, leaseScript, words)
  return readUnavailable(raw) ?? readReply(leaseScript, Lease, raw)
}

/** Books a call that was made from an allowance. */
export async function bookLease(
  caller: SlotCaller,
  command: BookLeaseCommand,
): Promise<BookLeaseReply> {
  const { job, windows, meta, conclusion } = command
  const words = begin(caller)
    .text(command.lease)
    .text(command.attempt)
    .text(command.kind)
    .nano(command.costNano)
    .double(command.atMs)
    .nano(command.holdNano)
    .text(command.detail)
    .flag(conclusion !== null)
  const fixedAt = words.reserveDouble()
  if (conclusion) writeConclusion(words, conclusion)
  words.markPosition(fixedAt)
  writeFixedPart(words, { job, windows, limits: [], meta })
  const raw = await callScript(caller, bookScript, words)
  return readUnavailable(raw) ?? readReply(bookScript, Book, raw)
}

/** Gives the rest of an allowance back. */
export async function closeLease(
  caller: SlotCaller,
  { lease: id, attempts }: CloseLeaseCommand,
): Promise<CloseLeaseReply> {
  const words = begin(caller).text(id).double(attempts.length)
  for (const attempt of attempts) words.text(attempt)
  const raw = await callScript(caller, closeScript, words)
  return readUnavailable(raw) ?? readReply(closeScript, Close, raw)
}
