import { describe, expect, test } from 'vitest'
import { dueTick, isTooLate, tickAfter } from '../../src/schedule/ticks.ts'

const daily = { schedule: '30 2 * * *', timezone: 'Europe/Berlin', missed: 'each' } as const
const second = { schedule: '* * * * * *', missed: 'latest' } as const
const AT = Date.UTC(2026, 10, 21)

describe('ticks', () => {
  test('are read in the timezone of the job, through a change of its clock', () => {
    const from = Date.UTC(2026, 9, 24)
    const ticks = [from]
    for (let i = 0; i < 3; i++) ticks.push(tickAfter(daily, ticks.at(-1) ?? 0))
    expect(ticks.slice(1).map((at) => new Date(at).toISOString())).toEqual([
      '2026-10-24T00:30:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ])
  })

  test('none is due before its time, and at its time it is', () => {
    expect(dueTick(second, AT, AT + 999)).toBeNull()
    expect(dueTick(second, AT, AT + 1_000)).toEqual({ tickMs: AT + 1_000, missed: 0 })
  })

  test('what was missed is run each by each, or once for all', () => {
    expect(dueTick({ ...second, missed: 'each' }, AT, AT + 9_500)).toEqual({
      tickMs: AT + 1_000,
      missed: 0,
    })
    expect(dueTick(second, AT, AT + 9_500)).toEqual({ tickMs: AT + 9_000, missed: 8 })
    expect(dueTick(second, AT, AT + 9_000)).toEqual({ tickMs: AT + 9_000, missed: 8 })
  })

  test('of a job that was away for long the newest tick is due, and the count ends', () => {
    const nowMs = AT + 86_400_000
    expect(dueTick(second, AT, nowMs)).toEqual({ tickMs: nowMs, missed: 10_000 })
  })

  test('a job that leaves out what it missed runs what is a little late', () => {
    const skip = { ...second, missed: 'skip' } as const
    expect(isTooLate(skip, AT, AT + 59_000)).toBe(false)
    expect(isTooLate(skip, AT, AT + 61_000)).toBe(true)
    expect(isTooLate(second, AT, AT + 1e9)).toBe(false)
  })
})
