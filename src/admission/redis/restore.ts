import type { Redis } from 'ioredis'
import { z } from 'zod'
import { BursarError } from '../../errors.ts'
import { slotKeys } from '../keys.ts'
import { begin, callScript, readReply, type SlotCaller } from './caller.ts'
import { runIdOf } from './lives.ts'
import { loadScript } from './load-script.ts'

const claimScript = loadScript(new URL('./claim.lua', import.meta.url))
const restoreScript = loadScript(new URL('./restore.lua', import.meta.url))
const openScript = loadScript(new URL('./open-claimed.lua', import.meta.url))

const Claim = z.tuple([z.enum(['claimed', 'open', 'taken'])])
const Restore = z.tuple([z.enum(['restored', 'not-claimed'])])
const Open = z.tuple([z.enum(['open', 'not-claimed'])])

export interface RestoreOptions {
  /** Bounded in time; every command bears repetition. The caller owns and closes it. */
  readonly redis: Redis
  readonly prefix: string
  /** Id of the move: only it may write, as long as the slot is closed. */
  readonly move: string
  /** Epoch that the slot begins with, >= 1. */
  readonly epoch: number
  /** Milliseconds; absent = the server's own TIME. */
  readonly clock?: () => number
}

/** Fills a slot from another one while it is closed to everybody else. */
export interface SlotRestorer {
  /**
   * Creates the slot, closed. `claimed` also when this move had done so before; `open`: it had finished; `taken`: the
   * slot is somebody else's, and nothing was written.
   */
  claim(): Promise<'claimed' | 'open' | 'taken'>
  /**
   * Writes records of `packSlot`, all of them or none. Again is harmless.
   * @throws {BursarError} SLOT_CLOSED when the claim is gone, STORE_UNAVAILABLE.
   */
  restore(records: readonly Buffer[]): Promise<void>
  /** Opens the slot to everybody. Again is harmless. Throws like `restore`. */
  open(): Promise<void>
}

export function createRestorer(options: RestoreOptions): SlotRestorer {
  const { redis, prefix, move, epoch, clock } = options
  const keys = slotKeys(prefix)
  const caller: SlotCaller = { redis, keys, epoch: () => epoch, nowMs: () => clock?.() ?? 0 }
  return {
    async claim() {
      const words = begin(caller)
        .text(move)
        .text(await runIdOf(redis))
      return readReply(claimScript, Claim, await callScript(caller, claimScript, words))[0]
    },
    async restore(records) {
      const raw = await callScript(caller, restoreScript, begin(caller).text(move), records)
      if (readReply(restoreScript, Restore, raw)[0] === 'not-claimed') throw notClaimed(keys.slot)
    },
    async open() {
      const words = begin(caller).text(move)
      const raw = await callScript(caller, openScript, words)
      if (readReply(openScript, Open, raw)[0] === 'not-claimed') throw notClaimed(keys.slot)
    },
  }
}

const notClaimed = (slot: string): BursarError =>
  new BursarError(
    'SLOT_CLOSED',
    `the slot ${slot} was taken away while it was filled: Redis lost its data, or another process wrote there. Run the move again; if it then finds something that is not its own, it says what`,
  )
