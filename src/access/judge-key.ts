import { timingSafeEqual } from 'node:crypto'
import { keyState, type StoredKey } from './api-key.ts'
import type { KeyFault } from './errors.ts'

/** Compared with all the same, so that it takes as long; no secret has it. */
const NO_HASH = '0'.repeat(64)

/**
 * Judges a given secret against what is stored.
 * @param hash - of the given text (`hashKey`).
 * @returns null when it opens now, else why not.
 */
export function faultOfKey(stored: StoredKey | null, hash: string, nowMs: number): KeyFault | null {
  if (stored === null) return 'unknown'
  const isNewest = sameHash(stored.secretHash, hash)
  const isFormer = sameHash(stored.formerHash ?? NO_HASH, hash)
  if (!isNewest && !isFormer) return 'unknown'
  const state = keyState(stored, nowMs)
  if (state !== 'active') return state
  return isNewest || nowMs < (stored.formerUntilMs ?? 0) ? null : 'rotated'
}

/** Takes the same time wherever two hashes differ. */
function sameHash(stored: string, given: string): boolean {
  const [one, other] = [Buffer.from(stored, 'hex'), Buffer.from(given, 'hex')]
  return one.length === other.length && timingSafeEqual(one, other)
}
