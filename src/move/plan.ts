import type { MoveTarget } from '../embedded/moved-mark.ts'
import { readMark } from './mark.ts'
import type { MoveRequest } from './move.ts'
import { openSource } from './source.ts'
import { summarise } from './summarise.ts'
import { openTarget, readAddresses, targetOf } from './target.ts'
import type { MoveSummary } from './types.ts'

/** What a move would do. */
export interface MovePlan {
  readonly target: MoveTarget
  readonly summary: MoveSummary
  /** Open holds, which the move books whole, and entries that it brings to the ledger first. */
  readonly holds: number
  readonly waiting: number
  /** What is in the way at the target; empty = nothing. */
  readonly found: readonly string[]
  /** Whether an earlier move of this folder ended there, or began there and would go on. */
  readonly earlier: 'none' | 'begun' | 'ended'
}

/**
 * Looks what a move would do, and changes nothing, here or there.
 * @throws like `moveFolder`, but for TARGET_NOT_EMPTY.
 */
export async function planMove({ folder, options, logger }: MoveRequest): Promise<MovePlan> {
  const addresses = readAddresses(options)
  const where = targetOf(addresses)
  const known = readMark(folder, where)
  const source = await openSource(folder, 'look', logger)
  try {
    const target = await openTarget(addresses)
    try {
      const there = await target.look(known?.id ?? null)
      const { attempts, out } = source.state
      return {
        target: where,
        summary: await summarise(source),
        holds: [...attempts.values()].filter(({ state }) => state === 'H').length,
        waiting: out.length,
        found: there.is === 'taken' ? there.found : [],
        earlier: known?.state === 'moved' ? 'ended' : there.is === 'ours' ? 'begun' : 'none',
      }
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}
