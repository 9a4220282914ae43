import { TOLD } from '../../src/admin/usage/spend.ts'
import { forecast, HISTORY_HOURS } from '../../src/insight/forecast.ts'
import { HOUR_MS } from '../../src/insight/spend-hours.ts'
import { exportPage } from '../../src/ledger/exports/rows.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { getRequest } from '../../src/ledger/queries/get-request.ts'
import { curve } from '../../src/ledger/questions/curve.ts'
import { spendHistory } from '../../src/ledger/questions/history.ts'
import { runRows } from '../../src/ledger/questions/run.ts'
import { type Spend, spend } from '../../src/ledger/questions/spend.ts'
import { unitCosts } from '../../src/ledger/questions/unit-costs.ts'

type Ask = (ledger: Ledger, nowMs: number) => Promise<unknown>

const DAY_MS = 24 * HOUR_MS
const monthOf = (nowMs: number, later: number): number => {
  const at = new Date(nowMs)
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + later)
}
const month = (nowMs: number) => ({ fromMs: monthOf(nowMs, 0), toMs: monthOf(nowMs, 1) })
const before = (nowMs: number) => ({
  fromMs: monthOf(nowMs, -1),
  toMs: monthOf(nowMs, -1) + (nowMs - monthOf(nowMs, 0)),
})
const year = (nowMs: number) => ({ fromMs: monthOf(nowMs, -12), toMs: monthOf(nowMs, 1) })

const usage = (by: string[], more: Partial<Parameters<typeof spend>[1]> = {}) => {
  const ask = (ledger: Ledger, nowMs: number): Promise<Spend> =>
    spend(ledger, {
      ...{ range: month(nowMs), before: before(nowMs), by, where: {}, top: 20 },
      ...{ measures: TOLD, rankBy: 'costNano', ...more },
    })
  return ask
}
const overYear =
  (by: string[], where = {}): Ask =>
  (ledger, nowMs) =>
    spend(ledger, {
      ...{ range: year(nowMs), by, where, top: 20, measures: TOLD, rankBy: 'costNano' },
    })
const overMonth =
  (by: string[]): Ask =>
  (ledger, nowMs) =>
    spend(ledger, {
      ...{ range: month(nowMs), before: before(nowMs), by, where: {}, top: 20 },
      ...{ measures: OF_TAGS, rankBy: 'costNano' },
    })
const OF_TAGS = ['costNano', 'listNano', 'savedNano', 'requests', 'calls', 'tokens'] as const
const line =
  (days: number, grain: 'hour' | 'day' | 'month', by: string[] = [], where = {}): Ask =>
  (ledger, nowMs) =>
    curve(ledger, {
      range: { fromMs: Math.floor(nowMs / DAY_MS) * DAY_MS - days * DAY_MS, toMs: nowMs },
      ...{ grain, by, where, measure: 'costNano', top: 10, timezone: 'UTC' },
    })

/** What finance asks, with what the command line adds by itself: the period before, a curve. */
export const QUESTIONS: Readonly<Record<string, Ask>> = {
  'month by tenant': usage(['tenant']),
  'month by user': usage(['user']),
  'month by model and tier': usage(['model', 'tier']),
  'month by provider': usage(['provider']),
  'month by key': usage(['key']),
  'month by kind': usage(['kind']),
  'month by tag': overMonth(['tag:feature']),
  'month of one tenant by user': usage(['user'], { where: { tenant: ['tenant-001'] } }),
  'year by tenant': overYear(['tenant']),
  'year by user': overYear(['user']),
  'year by model': overYear(['model']),
  'year by tag': overYear(['tag:feature']),
  'year of one tenant': overYear(['model'], { tenant: ['tenant-001'] }),
  'days of a month': line(31, 'day'),
  'days of a month by tenant': line(31, 'day', ['tenant']),
  'days of a month of one tenant': line(31, 'day', [], { tenant: ['tenant-001'] }),
  'hours of a week by model': line(7, 'hour', ['model']),
  'months of a year': line(380, 'month'),
  'unit costs of a month by tier': (ledger, nowMs) =>
    unitCosts(ledger, {
      ...{ range: month(nowMs), before: before(nowMs), by: ['tier'], where: {}, top: 20 },
    }),
  'saved in a month by model': usage(['model'], {
    measures: [
      'savedNano',
      'savedCachedNano',
      'savedJoinedNano',
      'savedEmbeddingsNano',
      'costNano',
    ],
    rankBy: 'savedNano',
  }),
  'forecast of everybody': forecastOf({}),
  'forecast of a tenant': forecastOf({ tenant: ['tenant-001'] }),
  'forecast of a user': forecastOf({ tenant: ['tenant-001'], user: ['u1-1'] }),
  'forecast of a tag': forecastOf({ 'tag:feature': ['tutor'] }),
  'one request': (ledger) => getRequest(ledger, 'job-4711'),
  'one run': (ledger) => runRows(ledger, { run: 'run-1000', limit: 1_000 }),
  'a page of an export': (ledger, nowMs) =>
    exportPage(ledger, { ...year(nowMs), fromMs: monthOf(nowMs, -1), limit: 500 }),
}

function forecastOf(where: Readonly<Record<string, string[]>>): Ask {
  return async (ledger, nowMs) => {
    const fromMs = nowMs - HISTORY_HOURS * HOUR_MS
    const { hours } = await spendHistory(ledger, { where, fromMs, untilMs: nowMs })
    return forecast({
      ...{ history: hours, nowMs, spentNano: 0, limitNano: 1e12, timezone: 'UTC' },
      window: { startMs: monthOf(nowMs, 0), endMs: monthOf(nowMs, 1) },
    })
  }
}
