/**
 * Money is an integer count of nano-USD (1e-9 USD) held in a JavaScript number, never a fraction:
 * at most 2^53 - 1, so that Lua (doubles) and TypeScript agree on every digit.
 */
export type Nano = number

export const NANO_PER_USD = 1_000_000_000
export const MAX_NANO: Nano = Number.MAX_SAFE_INTEGER

export const isNano = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
