import { describe, expect, test } from 'vitest'
import type { BookedAttempt, Evidence } from '../../src/cli/traffic/evidence.ts'
import { judge, summarise } from '../../src/cli/traffic/judge.ts'

const entry = (attempt: string, over: Partial<BookedAttempt> = {}): BookedAttempt => ({
  attempt,
  status: 'confirmed',
  costNano: 100,
  holdNano: 100,
  overrunNano: 0,
  windows: ['company:2026-11'],
  ...over,
})

const window = (over = {}) => ({
  key: 'company:2026-11',
  limitNano: 1_000,
  creditNano: 0,
  policy: 1,
  spentNano: 200,
  heldNano: 0,
  startMs: 0,
  endMs: 1,
  firedPercent: 0,
  ...over,
})

/** Three requests: one answered, one cached, one parked after a call that nobody saw the end of. */
const sound = (over: Partial<Evidence> = {}): Evidence => ({
  heard: new Map([
    ['a', 'answered'],
    ['b', 'cached'],
    ['c', null],
  ]),
  contradicted: [],
  ends: new Map([
    ['a', 'answered'],
    ['b', 'cached'],
  ]),
  parked: new Set(['c']),
  restless: false,
  fallen: 0,
  entries: [entry('a/1'), entry('c/1', { status: 'unconfirmed' })],
  conflicts: 0,
  bill: [
    { attempt: 'a/1', nano: 100 },
    { attempt: 'c/1', nano: 60 },
  ],
  windows: [window()],
  spentNano: 200,
  counters: { windows: 1, moving: 0, differing: [] },
  ...over,
})

const found = (over: Partial<Evidence>) => judge(sound(over)).map(({ what }) => what)

test('sound books raise nothing, and add up', () => {
  expect(judge(sound())).toEqual([])
  expect(summarise(sound(), 1.26)).toEqual({
    requests: 3,
    answered: 1,
    cached: 1,
    joined: 0,
    parked: 1,
    refused: 0,
    expired: 0,
    cancelled: 0,
    failed: 0,
    spentNano: 200,
    heldNano: 0,
    ledgerNano: 200,
    billedNano: 160,
    overspendNano: 0,
    overrunNano: 0,
    unconfirmed: 1,
    seconds: 1.3,
  })
})

describe('each request has one end', () => {
  test('one that nobody ended and nobody parked is lost', () => {
    expect(found({ parked: new Set() })).toEqual(['requests without an outcome'])
  })

  test('an end that no request had', () => {
    const ends = new Map([...sound().ends, ['x', 'answered'] as const])
    expect(found({ ends })).toEqual(['requests that nobody sent'])
  })

  test('an end and a place in the queue', () => {
    const parked = new Set(['a', 'c'])
    expect(found({ parked })).toEqual(['requests that ended and are parked too'])
    expect(summarise(sound({ parked }), 1)).toMatchObject({ answered: 1, parked: 1 })
  })

  test('a caller that heard something else, nothing, or too much', () => {
    const what = 'requests whose caller heard another end than the ledger has'
    expect(found({ heard: new Map([...sound().heard, ['a', 'failed'] as const]) })).toEqual([what])
    expect(found({ heard: new Map([...sound().heard, ['a', null] as const]) })).toEqual([what])
    expect(found({ contradicted: ['a'] })).toEqual(['requests whose caller heard two ends'])
  })

  test('work without rest and workers that fall are told', () => {
    expect(found({ restless: true, fallen: 2 })).toEqual([
      'work that never came to rest',
      'workers that fell by themselves',
    ])
  })
})

describe('the ledger is the bill', () => {
  test('a billed attempt that the ledger lacks is lost', () => {
    const bill = [...sound().bill, { attempt: 'z/1', nano: 1 }]
    expect(found({ bill })).toEqual(['billed attempts that the ledger lacks'])
  })

  test('an attempt billed twice is named, and is no longer what was booked', () => {
    const bill = [...sound().bill, { attempt: 'a/1', nano: 100 }]
    expect(found({ bill })).toEqual([
      'attempts billed twice',
      'confirmed entries that are not their bill',
    ])
  })

  test('a confirmed entry is its bill to the nano, also when nothing was billed', () => {
    const what = ['confirmed entries that are not their bill']
    const bill = sound().bill.filter(({ attempt }) => attempt !== 'a/1')
    expect(found({ bill })).toEqual(what)
    const released = entry('d/1', { status: 'released', costNano: 0 })
    expect(found({ entries: [...sound().entries, released] })).toEqual([])
    expect(
      found({
        entries: [...sound().entries, released],
        bill: [...sound().bill, { attempt: 'd/1', nano: 1 }],
      }),
    ).toEqual(what)
  })

  test('an unconfirmed entry may be above its bill, never below', () => {
    const billed = (nano: number) => [
      { attempt: 'a/1', nano: 100 },
      { attempt: 'c/1', nano },
    ]
    expect(found({ bill: billed(100) })).toEqual([])
    expect(found({ bill: billed(101) })).toEqual(['unconfirmed entries below their bill'])
  })

  test('an unconfirmed entry is its whole hold, however little was billed', () => {
    const entries = [entry('a/1'), entry('c/1', { status: 'unconfirmed', holdNano: 200 })]
    expect(found({ entries })).toEqual(['unconfirmed entries that are not their whole hold'])
  })

  test('what is above its hold has to be named', () => {
    const overrun = (overrunNano: number) => [
      entry('a/1', { holdNano: 70, overrunNano }),
      entry('c/1', { status: 'unconfirmed' }),
    ]
    expect(found({ entries: overrun(30) })).toEqual([])
    expect(found({ entries: overrun(29) })).toEqual([
      'entries above their hold that name no overrun',
    ])
  })

  test('postings that came again with other content are told', () => {
    expect(found({ conflicts: 1 })).toEqual(['postings that came again with other content'])
  })
})

describe('the windows', () => {
  test('money that stays held', () => {
    const windows = [window({ heldNano: 7 })]
    expect(found({ windows })).toEqual(['windows that still hold money'])
    expect(summarise(sound({ windows }), 1).heldNano).toBe(7)
  })

  test('a bill above a limit is overspent, whatever the counter says', () => {
    const windows = [window({ limitNano: 150 })]
    const bill = [
      { attempt: 'a/1', nano: 100 },
      { attempt: 'c/1', nano: 100 },
    ]
    expect(found({ windows, bill })).toEqual(['windows overspent'])
    expect(summarise(sound({ windows, bill }), 1).overspendNano).toBe(50)
  })

  test('a counter above its limit is overspent, whatever the bill says', () => {
    const windows = [window({ limitNano: 190 })]
    expect(found({ windows })).toEqual(['windows overspent'])
    expect(summarise(sound({ windows }), 1).overspendNano).toBe(10)
  })

  test('a named overrun explains its amount and no more', () => {
    const entries = [entry('a/1', { overrunNano: 40 }), entry('c/1', { status: 'unconfirmed' })]
    const at = (limitNano: number) => ({ entries, windows: [window({ limitNano })] })
    expect(found(at(160))).toEqual([])
    expect(summarise(sound(at(160)), 1)).toMatchObject({ overspendNano: 0, overrunNano: 40 })
    expect(summarise(sound(at(159)), 1).overspendNano).toBe(1)
  })

  test('counters, windows and sums that the ledger does not explain', () => {
    const differing = [{ key: 'company:2026-11', counterNano: 200, ledgerNano: 100 }]
    expect(found({ counters: { windows: 1, moving: 0, differing } })).toEqual([
      'counters that differ from the ledger',
    ])
    expect(found({ counters: null })).toEqual(['counters that could not be compared'])
    expect(found({ spentNano: 199 })).toEqual(['counted spending that differs from the ledger'])
    expect(found({ windows: [] })).toEqual(['windows of the ledger without a counter'])
  })
})
