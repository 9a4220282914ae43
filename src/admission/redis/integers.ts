import { z } from 'zod'

const FORMS = { integer: '-?\\d{1,16}', amount: '\\d{1,16}', flag: '[01]' } as const
type Form = keyof typeof FORMS

/**
 * Integers between blanks, all of them safe: one text costs both ends less than as many numbers.
 * @param forms - of those that are always there, in order.
 * @param more - whether any number of integers follows.
 */
export const integers = (forms: readonly Form[], { more = false } = {}) =>
  z
    .string()
    .regex(
      new RegExp(
        `^${forms.map((form) => FORMS[form]).join(' ')}${more ? `(?: ${FORMS.integer})*` : ''}$`,
      ),
    )
    // Only the longest can be too large.
    .refine((text) => !LONGEST.test(text) || integersIn(text).every(Number.isSafeInteger))

const LONGEST = /\d{16}/
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
