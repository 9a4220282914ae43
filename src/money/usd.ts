import { BursarError } from '../errors.ts'
import { MAX_NANO, type Nano } from './nano.ts'

const USD = /^(0|[1-9]\d*)(?:\.(\d+))?$/
const MAX_DECIMALS = 9
const NANO = 1_000_000_000
const NANO_OF_CENT = 10_000_000

/**
 * Reads an amount of USD, digit by digit, with no float between.
 * @param text - e.g. `12.34`; no sign, exponent, separator or blank; at most 9 decimals.
 * @returns nano-USD.
 * @throws {BursarError} INVALID_MONEY saying what to write instead.
 */
export function parseUsd(text: string): Nano {
  const match = USD.exec(text)
  if (!match) throw invalid(text, mendOf(text))
  const [, whole = '0', decimals = ''] = match
  if (decimals.length > MAX_DECIMALS) {
    throw invalid(text, `keep at most ${MAX_DECIMALS} decimals: the smallest amount is 0.000000001`)
  }
  const nano = BigInt(whole + decimals.padEnd(MAX_DECIMALS, '0'))
  if (nano > BigInt(MAX_NANO)) throw invalid(text, `write at most ${formatUsd(MAX_NANO)}`)
  return Number(nano)
}

/**
 * Writes an amount exactly: at least cents, no zeros after them.
 * @param nano - nano-USD, a safe integer; negative for corrections.
 * @returns e.g. `12.50`, `0.000123`, `-0.10`; `parseUsd` reads back what is not negative.
 * @throws {BursarError} INVALID_MONEY when `nano` is no safe integer.
 */
export function formatUsd(nano: number): string {
  if (!Number.isSafeInteger(nano)) {
    throw new BursarError('INVALID_MONEY', `${nano} is no exact amount; pass integer nano-USD`)
  }
  const amount = Math.abs(nano)
  const rest = amount % NANO
  return `${nano < 0 ? '-' : ''}${(amount - rest) / NANO}.${decimalsOf(rest)}`
}

/** Whole cents are what most amounts are; below, zeros at the end are left out. */
function decimalsOf(rest: number): string {
  if (rest % NANO_OF_CENT === 0) return String(rest / NANO_OF_CENT).padStart(2, '0')
  const digits = String(rest).padStart(MAX_DECIMALS, '0')
  let end = digits.length
  while (digits[end - 1] === '0') end -= 1
  return digits.slice(0, end)
}

function mendOf(text: string): string {
  if (text.trim() !== text || text === '') return 'write digits alone, e.g. "12.34"'
  if (text.startsWith('-')) return 'an amount is never negative; write 0 or more'
  if (/^\$/.test(text)) return 'leave the $ out: amounts are USD already'
  if (/e/i.test(text)) return 'write it without an exponent, e.g. "0.000001"'
  if (/^\d{1,3}([,_]\d{3})+/.test(text)) return 'leave thousands separators out, e.g. "12000"'
  if (/^0\d/.test(text)) return 'leave leading zeros out'
  return 'write digits with a decimal point, e.g. "12.34"'
}

function invalid(text: string, mend: string): BursarError {
  const shown = text.length > 40 ? `${text.slice(0, 40)}...` : text
  return new BursarError('INVALID_MONEY', `${JSON.stringify(shown)} is no amount of USD: ${mend}`, {
    detail: { text: shown, mend },
  })
}
