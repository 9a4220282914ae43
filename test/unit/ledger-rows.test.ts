import { describe, expect, test } from 'vitest'
import type { PostingEntry } from '../../src/admission/outbox.ts'
import { isBursarError } from '../../src/errors.ts'
import { safeInteger } from '../../src/ledger/columns.ts'
import { asLedgerError } from '../../src/ledger/errors.ts'
import {
  endRows,
  entryRows,
  rowsJson,
  saidAdmittedAtMs,
  windowRows,
} from '../../src/ledger/rows.ts'
import type { NewEntry } from '../helpers/memory-outbox.ts'
import { posting, requestEnd } from '../helpers/outbox-entries.ts'

const numbered = <T extends NewEntry>(entry: T) => ({ ...entry, id: '1-1' })
const post = (over: Partial<PostingEntry> = {}) => numbered(posting(over))

describe('rows of the ledger', () => {
  test('postings of one attempt fold into one row: their sum, the newest state, the newest known call', () => {
    const said = [
      post({ rev: 3, kind: 'released', deltaNano: -600, detail: null }),
      post({ rev: 1, kind: 'unconfirmed', deltaNano: 1_000, meta: null }),
      post({ rev: 2, kind: 'adjustment', deltaNano: -400, overrunNano: 7 }),
    ]
    const rows = entryRows(said, () => 5)
    const newest = { rev: 3, status: 'released', cost_nano: 0, overrun_nano: 0, admitted_at_ms: 5 }
    expect(rows).toMatchObject([
      { ...newest, seen: 'answer', tenant: 'acme', model: 'gpt-6-astra' },
    ])
  })

  test('an orphan without a meta is a row without an owner, dated when it was posted', () => {
    const orphan = post({ meta: null, detail: null, admittedAtMs: 0, postedAtMs: 9 })
    const [row] = entryRows([orphan], () => saidAdmittedAtMs(orphan))
    expect(row).toMatchObject({ admitted_at_ms: 9, tenant: undefined, seen: undefined })
  })

  test('windows are added up over postings, and split at the last colon', () => {
    const windows = ['tag.a%3Ab:2026-11-21T14']
    expect(windowRows([post({ windows }), post({ windows, deltaNano: -100 })])).toEqual([
      { budget: 'tag.a%3Ab', window_id: '2026-11-21T14', spent_nano: 600, rows: 2 },
    ])
  })

  test('a posting that ends no request gives no request row', () => {
    expect(endRows([post({ outcome: null })], 0)).toEqual([])
    expect(endRows([post()], 2)).toMatchObject([{ outcome: 'answered', reason: '', epoch: 2 }])
    const refused = endRows([numbered(requestEnd())], 0)
    expect(refused).toMatchObject([{ reason: 'BUDGET_EXHAUSTED' }])
  })

  test('the first end of a request counts, and a refusal gives way to what comes after it', () => {
    const end = (outcome: 'refused' | 'answered' | 'expired', reason = '') =>
      numbered(requestEnd({ job: 'again', outcome, reason }))
    const one = (...ends: ReturnType<typeof end>[]) => endRows(ends, 0)
    expect(one(end('refused'), end('answered'), end('expired'))).toMatchObject([
      { outcome: 'answered' },
    ])
    expect(one(end('answered'), end('refused'))).toMatchObject([{ outcome: 'answered' }])
    expect(one(end('refused', 'a'), end('refused', 'b'))).toMatchObject([{ reason: 'b' }])
  })

  test('only text that Postgres refuses is changed', () => {
    const kept = 'emoji \u{1f600} quote" slash\\ \\u0000 \\ud800'
    const [row] = JSON.parse(rowsJson([{ kept, tags: { 'k\0': 'half \udc00' }, n: 1, none: null }]))
    expect(row).toEqual({ kept, tags: { 'k\ufffd': 'half \ufffd' }, n: 1, none: null })
  })

  test.each(['9007199254740992', -(2 ** 53), 2n ** 60n, 'x', '1.5'])(
    'safeInteger refuses %s',
    (raw) => {
      expect(() => safeInteger(raw)).toThrow('beyond 2^53 - 1')
    },
  )
})

describe('asLedgerError', () => {
  const withCode = (code: string) => Object.assign(new Error('reason'), { code })

  test.each([
    ['42P01', 'LEDGER_NOT_MIGRATED', false],
    ['42703', 'LEDGER_NOT_MIGRATED', false],
    ['28P01', 'LEDGER_UNAVAILABLE', false],
    ['3D000', 'LEDGER_UNAVAILABLE', false],
    ['57P01', 'LEDGER_UNAVAILABLE', true],
    ['53300', 'LEDGER_UNAVAILABLE', true],
    ['40P01', 'LEDGER_UNAVAILABLE', true],
    ['ECONNREFUSED', 'LEDGER_UNAVAILABLE', true],
  ])('%s is %s', (code, expected, retryable) => {
    expect(asLedgerError(withCode(code))).toMatchObject({ code: expected, retryable })
  })

  test('a broken constraint and a bug stay what they are', () => {
    for (const error of [withCode('23505'), new TypeError('bug')])
      expect(asLedgerError(error)).toBe(error)
    expect(isBursarError(asLedgerError(new TypeError('bug')))).toBe(false)
  })
})
