import fc from 'fast-check'
import { expect, test } from 'vitest'
import { byRunway, type Draining, runwayOf } from '../../src/admin/runway/runway.ts'
import { FOREVER_MS } from '../../src/admission/plan-lines.ts'
import { runwayWords } from '../../src/cli/report/runways.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const HOUR = 3_600_000
const USD = 1_000_000_000
const own = { costNano: 6 * USD, forMs: 3 * HOUR }

interface Given {
  readonly limit: number
  readonly spent?: number
  readonly endMs?: number
  readonly costNano?: number
}
function window(id: string, { limit, spent, endMs = NOW + 48 * HOUR, costNano }: Given): Draining {
  const line = { key: `${id}:2026-11`, startMs: 0, endMs, limitNano: limit * USD, marks: [] }
  const used = { spentNano: (spent ?? 0) * USD, heldNano: 0, creditNano: 0 }
  const state = { ...line, ...used, policy: 1, firedPercent: 0 }
  const spend = { ...own, ...(costNano !== undefined && { costNano }) }
  return { line, state: spent === undefined ? null : state, spend }
}

test('the window that is used up first tells how long the money lasts', () => {
  const windows = [
    window('company', { limit: 100, spent: 20 }),
    window('acme', { limit: 20, spent: 10 }),
  ]
  const runway = runwayOf('acme', own, windows, NOW)
  expect(runway).toEqual({
    ...{ tenant: 'acme', perHourNano: 2 * USD, budget: 'acme', window: '2026-11' },
    ...{ leftNano: 10 * USD, usedUpAt: new Date(NOW + 5 * HOUR).toISOString() },
  })
  expect(runwayWords(runway)).toBe('until 2026-11-21T17:00:00Z: acme 2026-11')
})

test.each<[string, Given, string]>([
  ['rolls before', { limit: 20, spent: 10, endMs: NOW + 5 * HOUR }, 'lasts: acme 2026-11'],
  ['nobody spends from', { limit: 20, spent: 10, costNano: 0 }, 'lasts: acme 2026-11'],
  ['nobody has touched, and is large', { limit: 1e6 }, 'lasts: acme 2026-11'],
  [
    'is for good, and lasts beyond all dates',
    { limit: 9e6, costNano: 1, endMs: FOREVER_MS },
    'lasts: acme 2026-11',
  ],
  ['was lowered below what is spent', { limit: 5, spent: 9 }, 'used up: acme 2026-11'],
  ['is nothing', { limit: 0 }, 'used up: acme 2026-11'],
])('a window that %s', (_, given, words) => {
  expect(runwayWords(runwayOf('acme', own, [window('acme', given)], NOW))).toBe(words)
})

test('without a budget there is no runway, and who runs out first is first', () => {
  const none = runwayOf('z', own, [], NOW)
  expect([none.budget, runwayWords(none)]).toEqual([null, 'no budget'])
  const late = runwayOf('late', own, [window('b', { limit: 90, spent: 10 })], NOW)
  const soon = runwayOf('soon', own, [window('a', { limit: 20, spent: 10 })], NOW)
  expect([none, late, soon].toSorted(byRunway).map(({ tenant }) => tenant)).toEqual([
    'soon',
    'late',
    'z',
  ])
})

test('at that instant, and not before it, what is spent at this rate reaches the limit', () => {
  const amounts = fc.record({
    left: fc.integer({ min: 1, max: 1e12 }),
    costNano: fc.integer({ min: 1, max: 1e12 }),
    forMs: fc.integer({ min: HOUR, max: 6 * HOUR }),
  })
  fc.assert(
    fc.property(amounts, ({ left, costNano, forMs }) => {
      const line = { key: 'a:1', startMs: 0, endMs: 8e15, limitNano: left, marks: [] }
      const one = { line, state: null, spend: { costNano, forMs } }
      const { usedUpAt } = runwayOf('a', one.spend, [one], NOW)
      const afterMs = Date.parse(usedUpAt ?? '') - NOW
      const spentIn = (ms: number) => (costNano / forMs) * ms
      fc.pre(usedUpAt !== null && spentIn(1) < left)
      expect(spentIn(afterMs)).toBeGreaterThanOrEqual(left * (1 - 1e-9))
      expect(spentIn(afterMs - 1)).toBeLessThan(left * (1 + 1e-9))
    }),
  )
})
