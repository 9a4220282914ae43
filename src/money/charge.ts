import { BursarError } from '../errors.ts'
import { MAX_NANO, type Nano } from './nano.ts'

/** `ceil` for what is held, so that a hold is never short; `half-up` for what is booked. */
export type Rounding = 'ceil' | 'half-up'

/** Tokens at one rate. */
export interface Charge {
  /** Safe integer >= 0. */
  readonly tokens: number
  /** Integer pico-USD per token, >= 0. */
  readonly pico: number
}

const PICO_PER_NANO = 1_000
const PERCENT = 100

/**
 * Prices tokens at one rate with one rounding.
 * @returns nano-USD.
 * @throws {BursarError} INVALID_MONEY for a negative or fractional input, or a sum above `MAX_NANO`.
 */
export const nanoOfTokens = (tokens: number, pico: number, rounding: Rounding): Nano =>
  nanoOfCharges([{ tokens, pico }], 100, rounding)

/**
 * Prices a whole call: the exact sum of its charges, then a percentage, then one rounding.
 * @param percent - of the list price, >= 0 with at most four decimals; 50 halves it.
 * @returns nano-USD.
 * @throws {BursarError} INVALID_MONEY for a negative or fractional input, or a sum above `MAX_NANO`.
 */
export function nanoOfCharges(
  charges: readonly Charge[],
  percent: number,
  rounding: Rounding,
): Nano {
  const share = shareOf(percent)
  let pico = 0
  for (const charge of charges) {
    if (!isCount(charge.tokens) || !isCount(charge.pico)) {
      throw inexact(`${charge.tokens} tokens at ${charge.pico} pico-USD`)
    }
    pico += charge.tokens * charge.pico
  }
  const scaled = pico * share.times
  return Number.isSafeInteger(scaled)
    ? divide(scaled, PICO_PER_NANO * share.per, rounding)
    : divideBig(charges, share, rounding)
}

/** A percentage as a fraction of integers. */
interface Share {
  readonly times: number
  readonly per: number
}

const PARTS_PER_PERCENT = 10_000

function shareOf(percent: number): Share {
  if (isCount(percent)) return { times: percent, per: PERCENT }
  const times = Math.round(percent * PARTS_PER_PERCENT)
  // A decimal such as 12.34 is no exact double; a fifth decimal is further off than any double is.
  const isExact = isCount(times) && Math.abs(percent * PARTS_PER_PERCENT - times) < 1e-3
  if (!isExact) throw inexact(`${percent} percent`)
  return { times, per: PERCENT * PARTS_PER_PERCENT }
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

function divide(scaled: number, divisor: number, rounding: Rounding): Nano {
  const rest = scaled % divisor
  const whole = (scaled - rest) / divisor
  const up = rounding === 'ceil' ? rest > 0 : rest * 2 >= divisor
  return up ? whole + 1 : whole
}

// Needed from about $900 a call on, where the product leaves 2^53 though the amount does not.
function divideBig(charges: readonly Charge[], { times, per }: Share, rounding: Rounding): Nano {
  let scaled = 0n
  for (const { tokens, pico } of charges) scaled += BigInt(tokens) * BigInt(pico)
  const divisor = BigInt(PICO_PER_NANO * per)
  const lift = rounding === 'ceil' ? divisor - 1n : divisor / 2n
  const nano = (scaled * BigInt(times) + lift) / divisor
  if (nano > BigInt(MAX_NANO)) throw inexact(`${nano} nano-USD`)
  return Number(nano)
}

const inexact = (what: string): BursarError =>
  new BursarError(
    'INVALID_MONEY',
    `${what} is no exact amount; counts and rates are integers >= 0 and a call costs at most ${MAX_NANO} nano-USD`,
  )
