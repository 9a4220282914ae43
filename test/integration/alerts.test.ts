import { sql } from 'drizzle-orm'
import { describe, expect } from 'vitest'
import { createKeyStore } from '../../src/access/key-store.ts'
import { createKey, revokeKey } from '../../src/access/manage-keys.ts'
import { enterState, findAlert, lockAlerts } from '../../src/alerts/book.ts'
import { lookAfter, raiseThresholds, takeFindings } from '../../src/alerts/evaluate.ts'
import { alertId, type Finding } from '../../src/alerts/finding.ts'
import { historyOf, listAlerts, listDeliveries } from '../../src/alerts/list.ts'
import { AGAIN_MS } from '../../src/alerts/observe.ts'
import type { AlertPlace } from '../../src/alerts/place.ts'
import type { AlertPolicy } from '../../src/config/alert-types.ts'
import { parsePolicy } from '../../src/config/policy.ts'
import { usualAlerts } from '../../src/config/policy-alerts-build.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { alertNotices } from '../../src/ledger/schema.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { ledgerTest } from '../helpers/ledgers.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** A Saturday, noon UTC. */
const NOON_MS = Date.UTC(2026, 10, 21, 12)
const WINDOW = '2026-11'

const BASE = parsePolicy(
  `
version: 1
tiers: { everyone: { ladder: standard } }
ladders: { standard: [{ model: gpt-6-luna }] }
providers: { openai: { base_url: https://api.openai.com/v1 } }
budgets:
  - { id: acme, scope: { tenant: acme }, usd: "10", per: month, alert_at: [50, 80, 95, 100] }
`,
  { env: {}, prices: createPriceBook },
)

function placeOf(ledger: Ledger, alerts: Partial<AlertPolicy> = {}, nowMs = NOON_MS): AlertPlace {
  const policy = { ...BASE, alerts: { ...usualAlerts(), ...CHANNELS, ...alerts } }
  return { ledger, policy, nowMs, slot: { peek: async (keys) => keys.map(() => null) } }
}

const CHANNELS: Pick<AlertPolicy, 'channels'> = {
  channels: [
    { name: 'mail', kind: 'email', to: ['finance@example.com'] },
    { name: 'call', kind: 'webhook', url: 'https://example.com', secrets: [] },
  ],
}

/** The drain saw a window pass these percents. */
const passes = (ledger: Ledger, ...percents: number[]) =>
  ledger.db.execute(sql`
    insert into threshold_events (window_key, percent, spent_nano, limit_nano, at_ms)
    select ${`acme:${WINDOW}`}, percent, percent * 100000000::bigint, 10000000000, ${NOON_MS}::bigint
    from unnest(${`{${percents.join(',')}}`}::int[]) percent`)

const queueAge: Finding = {
  ...({ rule: 'queue-age', scope: 'queue interactive', window: '2026-11-21' } as const),
  ...({
    threshold: 300_000,
    severity: 'critical',
    tenant: null,
    budget: null,
    timezone: 'UTC',
  } as const),
  facts: {
    ...({ rule: 'queue-age', queue: 'interactive', value: 400_000, unit: 'ms' } as const),
    ...{ threshold: 300_000, overMs: null },
  },
}
const AGE_ID = alertId(queueAge)

const statesOf = async (ledger: Ledger) =>
  Object.fromEntries((await listAll(ledger)).map(({ threshold, state }) => [threshold, state]))
const listAll = (ledger: Ledger) =>
  ledger.db.query.alerts.findMany({ orderBy: (t, { asc }) => asc(t.threshold) })
const messages = async (ledger: Ledger) =>
  (await ledger.db.select().from(alertNotices).orderBy(alertNotices.atMs, alertNotices.id)).map(
    ({ body }) => `${body.scope} ${body.threshold} ${body.state}`,
  )

describe('budget thresholds', () => {
  ledgerTest(
    'a jump from 40% to 101% is one message; what lies below is on record',
    async ({ ledger }) => {
      await passes(ledger, 100)
      expect(await raiseThresholds(placeOf(ledger))).toBe(1)
      expect(await statesOf(ledger)).toEqual({
        ...{ 50: 'passed-over', 80: 'passed-over', 95: 'passed-over', 100: 'open' },
      })
      expect(await messages(ledger)).toEqual(['budget acme 100 raised'])
      const sent = await listDeliveries(ledger, {}, 10)
      expect(sent.map(({ id }) => id).toSorted()).toEqual(
        ['call', 'mail'].map((channel) => `${sent[0]?.notice}.${channel}`),
      )
    },
  )

  ledgerTest(
    'several that arrive at once are one message, and end those before',
    async ({ ledger }) => {
      await passes(ledger, 50)
      await raiseThresholds(placeOf(ledger))
      await passes(ledger, 80, 95)
      await raiseThresholds(placeOf(ledger, {}, NOON_MS + MINUTE_MS))
      expect(await statesOf(ledger)).toEqual({ 50: 'resolved', 80: 'passed-over', 95: 'open' })
      expect(await messages(ledger)).toEqual(['budget acme 50 raised', 'budget acme 95 raised'])
    },
  )

  ledgerTest('ten processes that look at the same moment raise it once', async ({ ledger }) => {
    await passes(ledger, 80)
    const looks = Array.from({ length: 10 }, () => raiseThresholds(placeOf(ledger)))
    expect((await Promise.all(looks)).toSorted()).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
    expect(await messages(ledger)).toEqual(['budget acme 80 raised'])
  })

  ledgerTest('a message tells of the budget as the policy has it', async ({ ledger }) => {
    await passes(ledger, 95)
    await raiseThresholds(placeOf(ledger))
    const [alert] = await listAlerts(ledger, false, 10)
    expect(alert).toMatchObject({ severity: 'critical', tenant: 'acme', budget: 'acme' })
    expect(alert?.facts).toMatchObject({ percent: 95, per: 'month', marks: [50, 80, 95, 100] })
  })

  ledgerTest('a message names who can raise the budget', async ({ ledger }) => {
    const keys = createKeyStore(ledger)
    const scope = { tenant: null, user: null, tier: null, models: null, budgets: null }
    const about = { ...scope, createdBy: 'operator', expiresAtMs: null }
    const make = (name: string, role: 'viewer' | 'finance' | 'admin', atMs: number, more = {}) =>
      createKey(keys, { ...about, name, role, ...more }, atMs)
    await make('looker', 'viewer', 1)
    await make('treasury', 'finance', 2)
    await make('root', 'admin', 3)
    await make('expired', 'finance', 4, { expiresAtMs: NOON_MS })
    await revokeKey(keys, (await make('revoked', 'finance', 5)).key.id, 6)
    const team = { name: 'team', kind: 'slack', hook: { value: 'https://x', from: '' } } as const
    const cfo = { name: 'cfo', kind: 'email', to: ['cfo@example.com'] } as const
    const channels = [...CHANNELS.channels, team, cfo]
    const routes = [
      { to: ['mail', 'call', 'team'], budget: 'acme', severities: ['critical'] as const },
      { to: ['cfo'], tenant: 'globex' },
    ]
    await passes(ledger, 80)
    await raiseThresholds(placeOf(ledger, { channels, routes }))
    const [alert] = await listAlerts(ledger, false, 10)
    const named = ['finance@example.com', 'Slack channel team', 'key root (admin)']
    expect(alert?.facts).toMatchObject({ raisers: [...named, 'key treasury (finance)'] })
  })

  ledgerTest(
    'a rule that is off is quiet, and so it stays when it is on again',
    async ({ ledger }) => {
      const rules = { ...usualAlerts().rules }
      rules['budget-threshold'] = { enabled: false, severity: null, above: null }
      await passes(ledger, 80)
      expect(await raiseThresholds(placeOf(ledger, { rules }))).toBe(0)
      expect(await raiseThresholds(placeOf(ledger))).toBe(0)
      expect(await messages(ledger)).toEqual([])
    },
  )
})

describe('what is wrong for a while', () => {
  const look = (ledger: Ledger, isWrong: boolean, nowMs: number) =>
    takeFindings(placeOf(ledger, {}, nowMs), ['queue-age'], isWrong ? [queueAge] : [])

  ledgerTest('is told once, and again when it is over for long enough', async ({ ledger }) => {
    await look(ledger, true, NOON_MS)
    await look(ledger, true, NOON_MS + MINUTE_MS)
    await look(ledger, false, NOON_MS + 2 * MINUTE_MS)
    await look(ledger, false, NOON_MS + 11 * MINUTE_MS)
    expect((await findAlert(ledger.db, AGE_ID))?.state).toBe('open')
    await look(ledger, false, NOON_MS + 12 * MINUTE_MS)
    expect((await findAlert(ledger.db, AGE_ID))?.state).toBe('resolved')
    expect((await messages(ledger)).map((one) => one.split(' ').at(-1))).toEqual([
      'raised',
      'resolved',
    ])
  })

  ledgerTest('flapping is told once an hour at most', async ({ ledger }) => {
    for (let minute = 0; minute < 180; minute += 15) {
      await look(ledger, true, NOON_MS + minute * MINUTE_MS)
      await look(ledger, false, NOON_MS + (minute + 1) * MINUTE_MS)
      await look(ledger, false, NOON_MS + (minute + 11) * MINUTE_MS)
    }
    const raised = (await messages(ledger)).filter((one) => one.endsWith('raised'))
    expect(raised.length).toBeLessThanOrEqual(1 + (180 * MINUTE_MS) / AGAIN_MS)
  })

  ledgerTest('a rule that could not look resolves nothing', async ({ ledger }) => {
    await look(ledger, true, NOON_MS)
    await takeFindings(placeOf(ledger, {}, NOON_MS + HOUR_MS), ['hit-rate'], [])
    expect((await findAlert(ledger.db, AGE_ID))?.clearSinceMs).toBeNull()
  })

  ledgerTest('critical ones are told again until somebody acknowledges', async ({ ledger }) => {
    await look(ledger, true, NOON_MS)
    const at = (hours: number) => lookAfter(placeOf(ledger, {}, NOON_MS + hours * HOUR_MS))
    expect((await at(3.9)).reminded).toBe(0)
    expect((await at(4)).reminded).toBe(1)
    expect((await at(5)).reminded).toBe(0)
    await acknowledge(ledger)
    expect((await at(9)).reminded).toBe(0)
    expect(await messages(ledger)).toHaveLength(2)
  })

  ledgerTest('what nobody acknowledges goes to others, once', async ({ ledger }) => {
    const escalation = { afterMs: 30 * MINUTE_MS, severities: ['critical'], to: ['call'] } as const
    const routes = [{ to: ['mail'] }]
    const at = (minutes: number) =>
      placeOf(ledger, { escalation, routes }, NOON_MS + minutes * MINUTE_MS)
    await takeFindings(at(0), ['queue-age'], [queueAge])
    expect((await lookAfter(at(29))).escalated).toBe(0)
    expect((await lookAfter(at(30))).escalated).toBe(1)
    expect((await lookAfter(at(90))).escalated).toBe(0)
    const rows = await listDeliveries(ledger, {}, 10)
    expect(rows.map(({ channel }) => channel).toSorted()).toEqual(['call', 'mail'])
  })

  ledgerTest('a silence has an end, and its history says who and why', async ({ ledger }) => {
    await look(ledger, true, NOON_MS)
    await ledger.transaction(async (tx) => {
      await lockAlerts(tx)
      const change = { what: 'silenced', by: 'key k1', why: 'a load test', atMs: NOON_MS }
      await enterState(tx, AGE_ID, 'silenced', {
        ...change,
        silencedUntilMs: NOON_MS + 6 * HOUR_MS,
      })
    })
    await lookAfter(placeOf(ledger, {}, NOON_MS + 5 * HOUR_MS))
    expect(await messages(ledger)).toHaveLength(1)
    await lookAfter(placeOf(ledger, {}, NOON_MS + 6 * HOUR_MS))
    expect(await messages(ledger)).toHaveLength(2)
    const history = await historyOf(ledger, AGE_ID)
    expect(history.map(({ what, by, why }) => `${what} ${by} ${why}`)).toEqual([
      'open bursar ',
      'silenced key k1 a load test',
      'opened-again bursar its silence is over',
    ])
  })

  ledgerTest('an alert of yesterday ends without a word', async ({ ledger }) => {
    await look(ledger, true, NOON_MS)
    expect((await lookAfter(placeOf(ledger, {}, NOON_MS + 12 * HOUR_MS))).ended).toBe(1)
    expect(await messages(ledger)).toHaveLength(1)
  })
})

describe('information', () => {
  const low: Finding = { ...queueAge, severity: 'low' }

  ledgerTest('waits until quiet hours are over; what is grave does not', async ({ ledger }) => {
    const quiet = { from: '22:00', to: '07:00', timezone: 'Europe/Berlin', hold: ['low'] } as const
    const atMs = Date.UTC(2026, 10, 21, 23)
    const grave: Finding = { ...queueAge, scope: 'queue batch' }
    await takeFindings(placeOf(ledger, { quiet }, atMs), ['queue-age'], [low, grave])
    const dueOf = async (id: string) =>
      (await listDeliveries(ledger, { notice: `${id}-1` }, 1))[0]?.dueAtMs
    expect(await dueOf(alertId(low))).toBe(Date.UTC(2026, 10, 22, 6))
    expect(await dueOf(alertId(grave))).toBe(atMs)
  })

  ledgerTest('that is over before its quiet hours are is not told at all', async ({ ledger }) => {
    const quiet = { from: '22:00', to: '07:00', timezone: 'UTC', hold: ['low'] } as const
    const atMs = Date.UTC(2026, 10, 21, 23)
    const look = (isWrong: boolean, minute: number) =>
      takeFindings(
        placeOf(ledger, { quiet }, atMs + minute * MINUTE_MS),
        ['queue-age'],
        isWrong ? [low] : [],
      )
    await look(true, 0)
    await look(false, 1)
    await look(false, 11)
    const rows = await listDeliveries(ledger, {}, 10)
    expect(rows.map(({ state }) => state)).toEqual(['passed', 'passed'])
  })

  ledgerTest('comes in a digest at nine of its own timezone, once', async ({ ledger }) => {
    const digests = [{ every: 'daily', at: '09:00', severities: ['low'], to: ['mail'] }] as const
    const at = (ms: number) => placeOf(ledger, { digests }, ms)
    const nineMs = Date.UTC(2026, 10, 22, 8)
    await takeFindings(at(NOON_MS), ['queue-age'], [{ ...low, timezone: 'Europe/Berlin' }])
    expect(await messages(ledger)).toEqual([])
    expect((await lookAfter(at(nineMs - 1))).digests).toBe(0)
    const looks = [0, 1, 2, 3].map((second) => lookAfter(at(nineMs + second)))
    const posted = (await Promise.all(looks)).map(({ digests: count }) => count)
    expect(posted.toSorted()).toEqual([0, 0, 0, 1])
    const rows = await listDeliveries(ledger, {}, 10)
    expect(rows.map(({ id }) => id)).toEqual(['digest-daily-2026-11-22-europe-berlin.mail'])
  })
})

const acknowledge = (ledger: Ledger) =>
  ledger.transaction(async (tx) => {
    await lockAlerts(tx)
    const change = { what: 'acknowledged', by: 'operator', why: '', atMs: NOON_MS }
    await enterState(tx, AGE_ID, 'acknowledged', change)
  })
