import { expect, test } from 'vitest'
import { Integers, integersIn } from '../../src/admission/redis/integers.ts'

test.each([
  ['0', [0]],
  ['-1 0 12', [-1, 0, 12]],
  ['9007199254740991 -9007199254740991', [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]],
])('%s', (text, numbers) => {
  expect(Integers.parse(text)).toBe(text)
  expect(integersIn(text)).toEqual(numbers)
})

test.each(['', ' ', '1 ', ' 1', '1  2', '1.5', '1e3', '+1', '--1', 'nan', '12345678901234567'])(
  'what a script never writes is refused: "%s"',
  (text) => {
    expect(Integers.safeParse(text).success).toBe(false)
  },
)
