import { expect, test } from 'vitest'
import { integers, integersIn } from '../../src/admission/redis/integers.ts'

const Any = integers(['integer'], { more: true })

test.each([
  ['0', [0]],
  ['-1 0 12', [-1, 0, 12]],
  ['9007199254740991 -9007199254740991', [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]],
])('%s', (text, numbers) => {
  expect(Any.parse(text)).toBe(text)
  expect(integersIn(text)).toEqual(numbers)
})

test.each([
  '',
  ' ',
  '1 ',
  ' 1',
  '1  2',
  '1.5',
  '1e3',
  '+1',
  '--1',
  'nan',
  '9007199254740992',
  '-9999999999999999',
  '12345678901234567',
])('what a script never writes is refused: "%s"', (text) => {
  expect(Any.safeParse(text).success).toBe(false)
})

test('as many as were announced, each of its form', () => {
  const booked = integers(['integer', 'amount', 'flag'])
  const fits = (text: string) => booked.safeParse(text).success
  expect(fits('-5 0 1')).toBe(true)
  for (const text of ['5 0', '5 0 1 1', '5 -1 1', '5 0 2']) expect(fits(text), text).toBe(false)
})
