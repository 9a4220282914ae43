import { z } from 'zod'
import type { CacheLookup, KeptReply } from '../commands.ts'
import { integers, integersIn } from './integers.ts'

/** Ids between blanks, as lib/cached.lua looks for one; '' = none. */
export const openersText = ({ openers = [] }: CacheLookup = {}): string =>
  openers.length === 0 ? '' : ` ${openers.join(' ')} `

/** What scripts say of a kept answer (`tellAnswer` of lib/cached.lua). */
export const KEPT = [
  z.literal('cached'),
  z.string(),
  z.string(),
  integers(['integer', 'flag', 'amount'], { more: true }),
] as const

type Told = readonly ['cached', string, string, string, ...unknown[]]

/**
 * @param told - its body '' = the asker has it.
 * @returns the numbers that were told after those of the answer, too.
 */
export function keptReply([, body, paidBy, digits]: Told): {
  readonly kept: KeptReply
  readonly rest: readonly number[]
} {
  const numbers = integersIn(digits)
  const { 0: freshForMs = 0, 1: refresh = 0, 2: costNano = 0 } = numbers
  return {
    kept: { body: body === '' ? null : body, freshForMs, refresh: refresh === 1, costNano, paidBy },
    rest: numbers.slice(3),
  }
}
