import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isBursarError } from '../../src/errors.ts'
import { type Charge, nanoOfCharges, nanoOfTokens } from '../../src/money/charge.ts'
import { addNano, MAX_NANO } from '../../src/money/nano.ts'
import { formatUsd, parseUsd } from '../../src/money/usd.ts'

const nano = fc.integer({ min: 0, max: MAX_NANO })
const charges = fc.array(fc.record({ tokens: fc.nat(10_000_000), pico: fc.nat(600_000_000) }), {
  maxLength: 5,
})

const exactPico = (list: readonly Charge[], percent: number): bigint =>
  list.reduce((sum, { tokens, pico }) => sum + BigInt(tokens) * BigInt(pico), 0n) * BigInt(percent)

const outcomeOf = (list: readonly number[]): number | 'refused' => {
  try {
    return addNano(...list)
  } catch (error) {
    if (isBursarError(error, 'INVALID_MONEY')) return 'refused'
    throw error
  }
}

describe('amounts of USD', () => {
  test('every amount is read back from what was written', () => {
    fc.assert(fc.property(nano, (amount) => parseUsd(formatUsd(amount)) === amount))
  })

  test('what is written has cents and no zero after them', () => {
    fc.assert(
      fc.property(nano, (amount) => {
        expect(formatUsd(amount)).toMatch(/^(0|[1-9]\d*)\.\d\d(\d*[1-9])?$/)
      }),
    )
  })

  test('a correction is the negative of its amount', () => {
    fc.assert(
      fc.property(nano, (amount) => amount === 0 || formatUsd(-amount) === `-${formatUsd(amount)}`),
    )
  })

  test('no other text than digits and one point is an amount', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/^\d+(\.\d+)?$/.test(text))
        expect(() => parseUsd(text)).toThrow(expect.objectContaining({ code: 'INVALID_MONEY' }))
      }),
    )
  })
})

describe('sums', () => {
  test('adding is associative and commutes', () => {
    fc.assert(
      fc.property(nano, nano, nano, (a, b, c) => {
        fc.pre(a + b + c <= MAX_NANO)
        expect(addNano(addNano(a, b), c)).toBe(addNano(a, addNano(b, c)))
        expect(addNano(a, b, c)).toBe(addNano(c, b, a))
      }),
    )
  })

  test('a sum is exact or refused', () => {
    fc.assert(
      fc.property(fc.array(nano, { maxLength: 4 }), (list) => {
        const exact = list.reduce((sum, amount) => sum + BigInt(amount), 0n)
        expect(outcomeOf(list)).toBe(exact > BigInt(MAX_NANO) ? 'refused' : Number(exact))
      }),
    )
  })
})

describe('charges', () => {
  test('what is booked is within half a nano of the exact price', () => {
    fc.assert(
      fc.property(charges, fc.integer({ min: 0, max: 400 }), (list, percent) => {
        const booked = BigInt(nanoOfCharges(list, percent, 'half-up'))
        const twiceOff = 2n * (booked * 100_000n - exactPico(list, percent))
        expect(twiceOff > -100_000n && twiceOff <= 100_000n).toBe(true)
      }),
    )
  })

  test('what is held is the smallest whole amount that covers the exact price', () => {
    fc.assert(
      fc.property(charges, fc.integer({ min: 0, max: 400 }), (list, percent) => {
        const short =
          exactPico(list, percent) - BigInt(nanoOfCharges(list, percent, 'ceil')) * 100_000n
        expect(short <= 0n && short > -100_000n).toBe(true)
      }),
    )
  })

  test('one charge alone is the price of its tokens', () => {
    fc.assert(
      fc.property(fc.nat(10_000_000), fc.nat(600_000_000), (tokens, pico) => {
        const whole = nanoOfCharges([{ tokens, pico }], 100, 'ceil')
        expect(nanoOfTokens(tokens, pico, 'ceil')).toBe(whole)
      }),
    )
  })
})
