import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FORMATS, VERSIONS } from '../../src/cli/export.ts'
import { bar, change, fitted, sparkline, usdText } from '../../src/cli/usage/marks.ts'
import { DAILY, HOURLY, MONTHLY } from '../../src/ledger/cubes/cubes.ts'
import { FOCUS_VERSIONS } from '../../src/ledger/exports/focus/columns.ts'
import { EXPORT_FORMATS } from '../../src/ledger/exports/formats.ts'
import { planCubes } from '../../src/ledger/questions/dimensions.ts'
import { bucketsOf, resolvePeriod } from '../../src/ledger/questions/period.ts'
import { type Piece, piecesOf, snapped } from '../../src/ledger/questions/pieces.ts'

const NOW_MS = Date.UTC(2026, 10, 21, 14, 30)
const iso = ({ fromMs, toMs }: { fromMs: number; toMs: number }) =>
  [fromMs, toMs].map((atMs) => new Date(atMs).toISOString().replace(':00.000Z', 'Z'))

describe('periods', () => {
  test.each([
    [
      'today',
      'UTC',
      ['2026-11-21T00:00Z', '2026-11-22T00:00Z'],
      ['2026-11-20T00:00Z', '2026-11-20T14:30Z'],
    ],
    [
      'last-month',
      'UTC',
      ['2026-10-01T00:00Z', '2026-11-01T00:00Z'],
      ['2026-09-01T00:00Z', '2026-10-01T00:00Z'],
    ],
    [
      'this-month',
      'Europe/Berlin',
      ['2026-10-31T23:00Z', '2026-11-30T23:00Z'],
      ['2026-09-30T22:00Z', '2026-10-21T13:30Z'],
    ],
    [
      'this-week',
      'UTC',
      ['2026-11-16T00:00Z', '2026-11-23T00:00Z'],
      ['2026-11-09T00:00Z', '2026-11-14T14:30Z'],
    ],
    [
      'last-7-days',
      'UTC',
      ['2026-11-15T00:00Z', '2026-11-22T00:00Z'],
      ['2026-11-08T00:00Z', '2026-11-14T14:30Z'],
    ],
    [
      'last-2-months',
      'UTC',
      ['2026-10-01T00:00Z', '2026-12-01T00:00Z'],
      ['2026-08-01T00:00Z', '2026-09-21T14:30Z'],
    ],
  ])('%s in %s', (period, timezone, range, before) => {
    const found = resolvePeriod({ period, timezone }, NOW_MS)
    expect(iso(found.range)).toEqual(range)
    expect(iso(found.before)).toEqual(before)
  })

  test('of a shorter month before, no more than there is of it', () => {
    const { before } = resolvePeriod({ period: 'this-month' }, Date.UTC(2026, 2, 31, 12))
    expect(iso(before)).toEqual(['2026-02-01T00:00Z', '2026-03-01T00:00Z'])
  })

  test('dates begin at midnight in the timezone, instants where they say', () => {
    const asked = { from: '2026-11-01', to: '2026-11-02T00:00+05:30', timezone: 'America/New_York' }
    const { range, before } = resolvePeriod(asked, NOW_MS)
    expect(iso(range)).toEqual(['2026-11-01T04:00Z', '2026-11-01T18:30Z'])
    expect(before.toMs).toBe(range.fromMs)
  })

  test.each([
    { period: 'last-0-days' },
    { period: 'fortnight' },
    { from: '2026-13-01' },
    { from: '2026-11-02', to: '2026-11-02' },
    { to: '2026-11-02' },
    { timezone: '+02:00' },
  ])('%o is refused', (asked) => {
    expect(() => resolvePeriod(asked, NOW_MS)).toThrow(/write|say|give/)
  })

  test('more than 1,000 steps are refused', () => {
    const year = { fromMs: Date.UTC(2026, 0, 1), toMs: Date.UTC(2027, 0, 1) }
    expect(bucketsOf(year, 'day', 'UTC')).toHaveLength(365)
    expect(() => bucketsOf(year, 'hour', 'UTC')).toThrow(/shorter period/)
  })
})

test('pieces of a range lie end to end, each as its cube cuts time, and no coarser one would fit', () => {
  const law = fc.property(fc.nat(24 * 800), fc.nat(24 * 800), (a, b) => {
    const hour = (count: number) => Date.UTC(2025, 0, 1) + count * 3_600_000
    const range = snapped({ fromMs: hour(Math.min(a, b)), toMs: hour(Math.max(a, b)) }, [HOURLY])
    const pieces = piecesOf(range, [MONTHLY, DAILY, HOURLY])
    const ends = pieces.flatMap(({ fromMs, toMs }) => [fromMs, toMs])
    expect(ends).toEqual(ends.toSorted((x, y) => x - y))
    expect(pieces.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)).toBe(
      range.toMs - range.fromMs,
    )
    for (const piece of pieces) expect(isCut(piece)).toBe(true)
    // At most hours, days, months, days, hours.
    expect(pieces.length).toBeLessThanOrEqual(5)
  })
  fc.assert(law)
})

function isCut({ cube, fromMs, toMs }: Piece): boolean {
  return [fromMs, toMs].every((atMs) => {
    const at = new Date(atMs)
    if (cube.grain === 'hour') return atMs % 3_600_000 === 0
    return at.getUTCHours() === 0 && (cube.grain !== 'month' || at.getUTCDate() === 1)
  })
}

// Red when a coarse table is read though a finer one has fewer rows, or the other way round.
test.each([
  [[], {}, ['usage_company_monthly', 'usage_company_daily', 'usage_company_hourly']],
  [['model'], {}, ['usage_company_monthly', 'usage_company_daily', 'usage_company_hourly']],
  [['provider'], {}, ['usage_company_monthly', 'usage_company_daily']],
  [['tenant'], {}, ['usage_tenants_monthly', 'usage_tenants_daily', 'usage_hourly']],
  [['model'], { tenant: ['acme'] }, ['usage_monthly', 'usage_daily', 'usage_hourly']],
  [['user'], {}, ['usage_users_monthly', 'usage_users_daily']],
  [['key'], {}, ['usage_keys_monthly', 'usage_keys_daily']],
  [['tag:feature'], {}, ['usage_company_tags']],
  [['tag:feature'], { tenant: ['acme'] }, ['usage_tags']],
])('a question by %j where %j reads the tables with the fewest rows', (by, where, tables) => {
  expect(planCubes(by, where).cubes.map(({ table }) => table)).toEqual(tables)
})

describe('what is shown', () => {
  test('changes, amounts and marks', () => {
    expect([change(112, 100), change(96.6, 100), change(5, 0), change(0, 0)]).toEqual([
      '+12%',
      '-3.4%',
      'new',
      '-',
    ])
    expect([usdText(1_234_567_890_123), usdText(12_345)]).toEqual(['1,234.57', '0.000012345'])
    expect([bar(1, 2, 4), bar(0, 2, 4), bar(1, 1_000, 4)]).toEqual(['██', '', '▏'])
    expect(sparkline([0, 1, 2])).toBe('▁▅█')
    expect(sparkline([0, 0])).toBe('▁▁')
    expect(fitted([1, 2, 3, 4, 5], 3)).toEqual([3, 7, 5])
  })

  test('the command line knows the formats of the ledger', () => {
    expect(FORMATS).toEqual(EXPORT_FORMATS)
    expect(VERSIONS).toEqual(FOCUS_VERSIONS)
  })
})
