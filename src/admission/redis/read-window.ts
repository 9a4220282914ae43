import { z } from 'zod'
import { BursarError } from '../../errors.ts'
import type { WindowState } from '../commands.ts'
import { raised } from '../model/credit.ts'

const int = z.int()
/** policy, limit, spent, held, stands; next, fired, start, end: doubles; warn only: a byte (lib/windows.lua). */
const WARN_AT = 8 * 9
/** In `stands`: nothing was granted. */
const FOREVER = Number.MAX_SAFE_INTEGER

/**
 * Reads a packed window as it stands at an instant.
 * @returns null when there is none.
 * @throws {BursarError} UNREADABLE_REPLY when it is no record of ours.
 */
export function readWindow(
  key: string,
  packed: Buffer | null | undefined,
  nowMs: number,
): WindowState | null {
  if (!packed) return null
  try {
    const field = (index: number): number => int.parse(packed.readDoubleLE(8 * index))
    const creditNano = field(4) === FOREVER ? null : creditIn(packed, nowMs)
    return {
      key,
      policy: field(0),
      limitNano: creditNano?.limitNano ?? field(1),
      creditNano: creditNano?.creditNano ?? 0,
      spentNano: field(2),
      heldNano: field(3),
      firedPercent: field(6),
      startMs: field(7),
      endMs: field(8),
      warnOnly: packed[WARN_AT] === 1,
    }
  } catch (cause) {
    throw new BursarError('UNREADABLE_REPLY', `window ${key} is no record of ours`, { cause })
  }
}

/** Behind the marks: the policy's own limit, count, and per credit: id, amount, until. */
function creditIn(packed: Buffer, nowMs: number): { limitNano: number; creditNano: number } {
  let at = packed.indexOf(0, WARN_AT + 1) + 1
  const base = int.parse(packed.readDoubleLE(at))
  const count = packed.readUInt16LE(at + 8)
  at += 10
  let limitNano = base
  for (let i = 0; i < count; i++) {
    at = packed.indexOf(0, at) + 1
    const amount = int.parse(packed.readDoubleLE(at))
    if (packed.readDoubleLE(at + 8) > nowMs) limitNano = raised(limitNano, amount)
    at += 16
  }
  return { limitNano, creditNano: limitNano - base }
}
