import { describe, expect, test } from 'vitest'
import { type Findings, judgeChaos } from '../../bench/chaos/judge.ts'
import { allowed } from '../../bench/chaos/sampler.ts'
import type { WindowState } from '../../src/admission/commands.ts'
import type { BookedAttempt, Evidence } from '../../src/cli/traffic/evidence.ts'

const KEY = 'company:2026-11'
const window = (more: Partial<WindowState> = {}): WindowState => ({
  ...{ key: KEY, limitNano: 100, creditNano: 0, policy: 1, spentNano: 0, heldNano: 0 },
  ...{ startMs: 0, endMs: 1, firedPercent: 0 },
  ...more,
})

describe('what a window may stand at', () => {
  const at = (spentNano: number, more: Partial<WindowState> = {}) => window({ spentNano, ...more })

  test('is its limit', () => {
    expect(allowed(at(0), at(0), 500)).toBe(100)
  })
  test('is what it stood at, after its limit was lowered below that', () => {
    expect(allowed(at(150), at(150), 500)).toBe(150)
    expect(allowed(at(160), at(150), 500)).toBe(150)
  })
  test('is the highest limit that the budget ever had, while nobody knows which one was in force', () => {
    expect(allowed(at(160, { policy: 2 }), at(50), 500)).toBe(500)
    expect(allowed(at(160), undefined, 500)).toBe(500)
  })
})

describe('chaos is judged', () => {
  const entry = (more: Partial<BookedAttempt> = {}): BookedAttempt => ({
    ...{ attempt: 'j/1', status: 'confirmed', costNano: 10, holdNano: 20, overrunNano: 0 },
    windows: [KEY],
    ...more,
  })
  const evidence = (more: Partial<Evidence> = {}): Evidence => ({
    heard: new Map([['j', 'answered']]),
    ends: new Map([['j', 'answered']]),
    ...{ contradicted: [], parked: new Set<string>(), restless: false, fallen: 0, conflicts: 0 },
    entries: [entry()],
    bill: [{ attempt: 'j/1', nano: 10 }],
    windows: [window({ spentNano: 10 })],
    spentNano: 10,
    counters: { windows: 1, moving: 0, differing: [] },
    ...more,
  })
  const judged = (more: Partial<Evidence> = {}, rest: Partial<Findings> = {}) =>
    judgeChaos({
      ...{ evidence: evidence(more), suspects: [], overruns: [], samples: 7, kills: 3 },
      policy: { highestOf: () => 100 },
      ...rest,
    }).verdict

  const SOUND = {
    ...{ samples: 7, kills: 3, overspendNano: 0, lost: 0, doubled: 0, leakedHolds: 0 },
    ...{ mismatches: 0, unconfirmed: 0, overrunNano: 0 },
  }

  test('sound when everybody agrees', () => {
    expect(judged()).toEqual(SOUND)
  })
  test('lost: a billed call that the ledger lacks, a request without an end', () => {
    const bill = [
      { attempt: 'j/1', nano: 10 },
      { attempt: 'j/2', nano: 3 },
    ]
    expect(judged({ bill })).toEqual({ ...SOUND, lost: 1 })
    const heard = new Map([
      ['j', 'answered' as const],
      ['k', null],
    ])
    expect(judged({ heard })).toEqual({ ...SOUND, lost: 1 })
  })
  test('doubled: an attempt that was billed twice', () => {
    const bill = [
      { attempt: 'j/1', nano: 5 },
      { attempt: 'j/1', nano: 5 },
    ]
    expect(judged({ bill })).toEqual({ ...SOUND, doubled: 1 })
  })
  test('leaked: a window that still holds money', () => {
    expect(judged({ windows: [window({ spentNano: 10, heldNano: 4 })] })).toEqual({
      ...SOUND,
      leakedHolds: 1,
    })
  })
  test('overspent: a bill above the highest limit', () => {
    const policy = { highestOf: () => 6 }
    const windows = [window({ spentNano: 10, limitNano: 6 })]
    expect(judged({ windows }, { policy })).toEqual({ ...SOUND, overspendNano: 4 })
  })
  test('overspent: a look at a window above its limit that no overrun explains', () => {
    const suspects = [{ key: KEY, fromMs: 10, toMs: 20, excessNano: 9 }]
    const overrun = { windows: [KEY], postedAtMs: 15, overrunNano: 5 }
    const looked = judged({}, { suspects, overruns: [overrun] })
    expect(looked).toEqual({ ...SOUND, overspendNano: 4, mismatches: 1 })
    const late = judged({}, { suspects, overruns: [{ ...overrun, postedAtMs: 21 }] })
    expect(late.overspendNano).toBe(9)
  })
  test('mismatched: an overrun that the bill does not explain', () => {
    const entries = [entry({ costNano: 10, overrunNano: 1 })]
    expect(judged({ entries })).toEqual({ ...SOUND, mismatches: 1, overrunNano: 1 })
  })
})
