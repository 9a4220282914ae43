import { describe, expect, test } from 'vitest'
import { nanoOfCharges, nanoOfTokens } from '../../src/money/charge.ts'
import { addNano, MAX_NANO } from '../../src/money/nano.ts'
import { formatUsd, parseUsd } from '../../src/money/usd.ts'

describe('parseUsd', () => {
  test.each([
    ['0', 0],
    ['12.34', 12_340_000_000],
    ['0.000000001', 1],
    ['2000', 2_000_000_000_000],
    ['9007199.254740991', MAX_NANO],
  ])('reads %s exactly', (text, nano) => {
    expect(parseUsd(text)).toBe(nano)
  })

  test.each([
    ['-1', 'never negative'],
    ['1e3', 'without an exponent'],
    ['0.0000000001', 'at most 9 decimals'],
    ['9007199.254740992', 'at most 9007199.254740991'],
    ['$5', 'leave the $ out'],
    ['1,000', 'thousands separators'],
    ['007', 'leading zeros'],
    [' 5', 'digits alone'],
    ['', 'digits alone'],
    ['.5', 'decimal point'],
    ['5.', 'decimal point'],
    ['NaN', 'decimal point'],
    ['٣', 'decimal point'],
  ])('refuses %j and says what to write', (text, mend) => {
    expect(() => parseUsd(text)).toThrow(
      expect.objectContaining({ code: 'INVALID_MONEY', message: expect.stringContaining(mend) }),
    )
  })
})

describe('formatUsd', () => {
  test.each([
    [0, '0.00'],
    [12_500_000_000, '12.50'],
    [123_000, '0.000123'],
    [1, '0.000000001'],
    [MAX_NANO, '9007199.254740991'],
    [-100_000_000, '-0.10'],
  ])('writes %d nano as %s', (nano, text) => {
    expect(formatUsd(nano)).toBe(text)
  })

  test('refuses a fraction of a nano', () => {
    expect(() => formatUsd(0.5)).toThrow(expect.objectContaining({ code: 'INVALID_MONEY' }))
  })
})

describe('exact arithmetic', () => {
  test('a sum that leaves the exact range is refused', () => {
    expect(() => addNano(MAX_NANO, 1)).toThrow(expect.objectContaining({ code: 'INVALID_MONEY' }))
    expect(() => addNano(0.1)).toThrow(expect.objectContaining({ code: 'INVALID_MONEY' }))
  })

  test('half a nano is booked up, and held up from the first pico', () => {
    expect(nanoOfTokens(1, 499, 'half-up')).toBe(0)
    expect(nanoOfTokens(1, 500, 'half-up')).toBe(1)
    expect(nanoOfTokens(1, 1, 'ceil')).toBe(1)
    expect(nanoOfCharges([{ tokens: 1, pico: 1 }], 1, 'ceil')).toBe(1)
  })

  test('a call is rounded once, not once per charge', () => {
    const charge = { tokens: 1, pico: 400 }
    expect(nanoOfCharges([charge, charge], 100, 'half-up')).toBe(1)
  })

  test('a product above 2^53 stays exact', () => {
    const dear = { tokens: 90_000_001, pico: 50_000_000 }
    expect(nanoOfCharges([dear], 200, 'half-up')).toBe(9_000_000_100_000)
  })

  test.each([
    [-1, 1],
    [1.5, 1],
    [1, -1],
    [Number.NaN, 1],
    [Number.MAX_SAFE_INTEGER, 2_000],
  ])('%d tokens at %d pico are refused', (tokens, pico) => {
    expect(() => nanoOfTokens(tokens, pico, 'ceil')).toThrow(
      expect.objectContaining({ code: 'INVALID_MONEY' }),
    )
  })
})
