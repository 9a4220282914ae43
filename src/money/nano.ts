import { BursarError } from '../errors.ts'

/**
 * Money is an integer count of nano-USD (1e-9 USD) held in a JavaScript number, never a fraction:
 * at most 2^53 - 1, so that Lua (doubles) and TypeScript agree on every digit.
 */
export type Nano = number

export const MAX_NANO: Nano = Number.MAX_SAFE_INTEGER

/**
 * Adds amounts.
 * @param amounts - nano-USD, safe integers; negative ones are corrections.
 * @throws {BursarError} INVALID_MONEY when an amount, or the sum at any step, is no safe integer.
 */
export function addNano(...amounts: readonly number[]): number {
  let sum = 0
  for (const amount of amounts) {
    sum += amount
    if (!Number.isSafeInteger(amount) || !Number.isSafeInteger(sum)) {
      throw new BursarError(
        'INVALID_MONEY',
        `adding ${amount} leaves the range of exact amounts (integer nano-USD up to ${MAX_NANO}); split the window or lower the limit`,
        { detail: { amount } },
      )
    }
  }
  return sum
}
