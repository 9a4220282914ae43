import { z } from 'zod'
import { BursarError } from '../../errors.ts'
import type { AdoptCommand } from '../adopt-command.ts'
import { slotKeys } from '../keys.ts'
import { begin, callScript, readReply, type SlotCaller } from './caller.ts'
import type { LivesOptions } from './lives.ts'
import { loadScript } from './load-script.ts'

const script = loadScript(new URL('./held.lua', import.meta.url))

const int = z.int()
const text = z.string()
const Reply = z.tuple([int], z.union([int, text]))
const Hold = z.tuple([text, text, int, int, int, int, int, text, int])
const FIELDS = 9
const PAGE_HOLDS = 100

export type HeldAttempt = Omit<AdoptCommand, 'ledger' | 'ttlMs'>

/**
 * Everything that a closed slot holds; nothing moves there meanwhile.
 * @throws {BursarError} STORE_UNAVAILABLE, UNREADABLE_REPLY.
 */
export async function heldAttempts({ redis, prefix }: LivesOptions): Promise<HeldAttempt[]> {
  const keys = slotKeys(prefix)
  const caller: SlotCaller = { redis, keys, epoch: () => 0, nowMs: () => 0 }
  const held: HeldAttempt[] = []
  for (let from = 0; ; from += PAGE_HOLDS) {
    const words = begin(caller).double(from).double(PAGE_HOLDS)
    const raw = await callScript(caller, script, words)
    const [seen, ...flat] = readReply(script, Reply, raw)
    held.push(...readHolds(flat))
    if (seen < PAGE_HOLDS) return held
  }
}

function* readHolds(flat: readonly (string | number)[]): Generator<HeldAttempt, void> {
  for (let at = 0; at < flat.length; ) {
    const fields = Hold.safeParse(flat.slice(at, at + FIELDS))
    if (!fields.success) throw new BursarError('UNREADABLE_REPLY', 'held.lua: a hold is cut short')
    const [attempt, job, rung, holdNano, capTokens, n, atMs, meta, count] = fields.data
    at += FIELDS
    const windows = z.array(text).parse(flat.slice(at, at + count))
    at += count
    const known = { as: 'held', costNano: 0, detail: '' } as const
    yield { attempt, job, rung, holdNano, capTokens, n, atMs, meta, windows, ...known }
  }
}
