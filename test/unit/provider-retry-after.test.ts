import { describe, expect, test } from 'vitest'
import { readRetryAfter } from '../../src/provider/failure.ts'

const NOW = Date.parse('2026-11-21T10:00:00Z')
const wait = (headers: Record<string, string>) => readRetryAfter(new Headers(headers), NOW)

describe('retry-after', () => {
  test.each([
    [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
    [{ 'retry-after-ms': '0.5' }, 1],
    [{ 'retry-after': '2' }, 2_000],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': 'Sat, 21 Nov 2026 10:00:30 GMT' }, 30_000],
    [{ 'retry-after-ms': 'soon', 'retry-after': '3' }, 3_000],
  ])('%j says %i ms', (headers, ms) => {
    expect(wait(headers)).toBe(ms)
  })

  test('a date that has passed is no wait', () => {
    expect(wait({ 'retry-after': 'Sat, 21 Nov 2026 09:00:00 GMT' })).toBe(0)
  })

  test('nobody waits longer than an hour', () => {
    expect(wait({ 'retry-after': '999999' })).toBe(3_600_000)
    expect(wait({ 'retry-after-ms': '1e300' })).toBe(3_600_000)
    expect(wait({ 'retry-after': 'Sat, 21 Nov 2099 10:00:00 GMT' })).toBe(3_600_000)
  })

  test.each([
    {},
    { 'retry-after': '' },
    { 'retry-after': '-5 apples' },
    { 'retry-after-ms': '-1' },
  ])('%j says nothing', (headers) => {
    expect(wait(headers)).toBeNull()
  })
})
