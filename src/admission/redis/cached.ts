import { z } from 'zod'
import type { CacheLookup, KeptReply } from '../commands.ts'

/** Ids between blanks, as lib/cached.lua looks for one; '' = none. */
export const openersText = ({ openers = [] }: CacheLookup = {}): string =>
  openers.length === 0 ? '' : ` ${openers.join(' ')} `

/** Integers between blanks: one text costs both ends less than as many numbers. */
export const Integers = z.string().regex(/^-?\d+(?: -?\d+)*$/)

const [BLANK, MINUS, ZERO] = [0x20, 0x2d, 0x30]

/** Digit by digit: exact to 2^53, and a third of what splitting the text costs. */
export function integersIn(text: string): number[] {
  const numbers: number[] = []
  let amount = 0
  let sign = 1
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === BLANK) {
      numbers.push(sign * amount)
      amount = 0
      sign = 1
    } else if (code === MINUS) {
      sign = -1
    } else {
      amount = amount * 10 + (code - ZERO)
    }
  }
  numbers.push(sign * amount)
  return numbers
}

/** What scripts say of a kept answer (`tellAnswer` of lib/cached.lua). */
export const KEPT = [z.literal('cached'), z.string(), z.string(), Integers] as const

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
