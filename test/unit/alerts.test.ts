import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judgeStatus, unanswered } from '../../src/alerts/channels/types.ts'
import { PAUSES_MS, pauseAfter } from '../../src/alerts/delivery/backoff.ts'
import { lastLocal, nextLocal } from '../../src/alerts/local-time.ts'
import { plainRender } from '../../src/alerts/plain-text.ts'
import { dueAt } from '../../src/alerts/quiet.ts'
import { FILES, recipients } from '../../src/alerts/routes.ts'
import { sampleNotice } from '../../src/alerts/sample.ts'
import type { AlertPolicy, RoutePolicy } from '../../src/config/alert-types.ts'
import { parsePolicy } from '../../src/config/policy.ts'
import { usualAlerts } from '../../src/config/policy-alerts-build.ts'
import { policyFromJson, policyToJson } from '../../src/config/policy-json.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'

const SECRETS = {
  SLACK_HOOK: 'https://hooks.slack.example/services/T0/B0/hush',
  ALERT_SECRET: 'whsec_hushhushhushhushhushhushhush',
  SMTP_URL: 'smtps://bursar:hush@mail.example.com',
}
const head = `
version: 1
tiers: { everyone: { ladder: standard } }
ladders: { standard: [{ model: gpt-6-luna }] }
providers: { openai: { base_url: https://api.openai.com/v1 } }
`
const read = (alerts: string, env: Record<string, string> = SECRETS) =>
  parsePolicy(`${head}alerts:\n${alerts}`, { env, prices: createPriceBook })
const WHOLE = `
  channels:
    finance: { email: [cfo@example.com] }
    team: { slack: "\${SLACK_HOOK}" }
    pager: { webhook: { url: https://example.com/in, secret: "\${ALERT_SECRET}" } }
  email: { smtp: "\${SMTP_URL}", from: bursar@example.com }
  routes: [{ to: [finance] }, { severity: [critical], to: [pager] }]
  escalate: { after: 30m, to: [pager] }
  rules: { queue-age: { above: 10m, severity: critical }, price-change: off }
`

describe('what the policy says of alerts', () => {
  test('is stored without a secret, and has them again where the environment does', () => {
    const policy = read(WHOLE)
    const stored = JSON.stringify(policyToJson(policy))
    expect(stored).not.toContain('hush')
    expect(policyFromJson(JSON.parse(stored), 1, SECRETS).alerts).toEqual(policy.alerts)
  })

  test('reads limits in the unit of the rule', () => {
    const { rules } = read(WHOLE).alerts ?? usualAlerts()
    expect(rules['queue-age']).toEqual({ enabled: true, severity: 'critical', above: 600_000 })
    expect(rules['price-change'].enabled).toBe(false)
    expect(rules['redis-memory'].above).toBe(80)
  })

  test.each([
    ['  channels: { team: { slack: "https://hooks.slack.example/x" } }', /SLACK_HOOK/],
    ['  channels: { finance: { email: nobody } }', /finance@example\.com/],
    ['  channels: { a: { email: a@example.com } }\n  routes: [{ to: [b] }]', /channels: a/],
    ['  email: { smtp: "smtp://u:hush@example.com" }', /is a secret/],
    ['  rules: { queue-age: { above: soon } }', /duration/],
    ['  rules: { price-change: { above: 3 } }', /leave above out/],
    ['  rules: { queue-old: off }', /queue-age/],
    ['  quiet_hours: { from: "25:00", to: "07:00" }', /09:00/],
    ['  quiet_hours: { from: "22:00", to: "07:00", hold: [critical] }', /low/],
  ])('%s is told with its mend', (text, mend) => {
    expect(() => read(text)).toThrow(mend)
    expect(() => read(text)).not.toThrow(/hush/)
  })

  test('a channel whose variable is empty is left out, with a warning', () => {
    const policy = read(`  channels: { team: { slack: "\${SLACK_HOOK:-}" } }`, {})
    expect(policy.alerts?.channels).toEqual([])
    expect(policy.warnings?.join()).toMatch(/team is left out/)
  })
})

describe('routes', () => {
  const channels: AlertPolicy['channels'] = ['a', 'b'].map((name) => ({ ...FILES, name }))
  const told = { rule: 'queue-age', severity: 'high', tenant: 'acme', budget: 'team/x' } as const
  const to = (...routes: RoutePolicy[]) =>
    recipients({ ...usualAlerts(), channels, routes }, told).join('')

  test('add up, and each part of one must hold', () => {
    expect(to()).toBe('ab')
    expect(to({ to: ['b'] }, { to: ['a'], severities: ['low'] })).toBe('b')
    expect(to({ to: ['b'], tenant: 'acme', budget: 'team' }, { to: ['a'] })).toBe('ab')
    expect(to({ to: ['a'], budget: 'te' })).toBe('')
    expect(to({ to: ['a'], rules: ['overrun'] })).toBe('')
  })
})

describe('quiet hours', () => {
  const quiet = { from: '22:00', to: '07:00', timezone: null, hold: ['low'] } as const
  const due = (timezone: string, nowMs: number) =>
    dueAt({ quiet }, { severity: 'low', timezone }, nowMs)

  test('hold nothing for longer than they last, and nothing outside them', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2027, 0) }),
        fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata'),
        (nowMs, timezone) => {
          const dueMs = due(timezone, nowMs)
          const hour = new Intl.DateTimeFormat('en-GB', { timeZone: timezone, hour: '2-digit' })
          const isQuiet = (ms: number) =>
            Number(hour.format(ms)) >= 22 || Number(hour.format(ms)) < 7
          // A night in which the clocks change is an hour longer or shorter.
          expect(dueMs - nowMs).toBeLessThanOrEqual(10 * 3_600_000)
          expect(isQuiet(nowMs) ? !isQuiet(dueMs) : dueMs === nowMs).toBe(true)
        },
      ),
      { numRuns: 100 },
    )
  })

  test('the next time of day comes after the last', () => {
    const nowMs = Date.UTC(2026, 10, 21, 12)
    expect(nextLocal('09:00', 'UTC', nowMs)).toBe(Date.UTC(2026, 10, 22, 9))
    expect(lastLocal('09:00', 'UTC', nowMs, 'daily')).toBe(Date.UTC(2026, 10, 21, 9))
    expect(lastLocal('09:00', 'UTC', nowMs, 'weekly')).toBe(Date.UTC(2026, 10, 16, 9))
  })
})

describe('tries', () => {
  test('go on for about eight hours, never sooner than asked', () => {
    expect(pauseAfter(1, 0, () => 0)).toBe(5_000)
    expect(pauseAfter(1, 60_000)).toBe(60_000)
    expect(pauseAfter(PAUSES_MS.length + 1)).toBeNull()
    const hours = PAUSES_MS.reduce((sum, ms) => sum + ms, 0) / 3_600_000
    expect(hours).toBeGreaterThan(6)
  })

  test('what was sent without an answer may have arrived; what never left has not', () => {
    const error = (code: string) => Object.assign(new Error('x'), { code })
    expect(unanswered(error('ECONNRESET')).outcome).toBe('unknown')
    expect(
      unanswered(new TypeError('fetch failed', { cause: error('ECONNREFUSED') })).outcome,
    ).toBe('refused')
    const wrapped = Object.assign(error('ESOCKET'), { originalCode: 'ECONNREFUSED' })
    expect(unanswered(wrapped)).toMatchObject({ outcome: 'refused', error: 'ECONNREFUSED' })
    expect(judgeStatus(410, null)).toMatchObject({ forGood: true })
    expect(judgeStatus(429, '30')).toMatchObject({ forGood: false, retryAfterMs: 30_000 })
    expect(judgeStatus(503, null)).toMatchObject({ forGood: false })
  })
})

test.each(['\n\r\u0000\u001b[31m', '<!channel> <script>&amp;', '\u202eabc', '👩‍👩‍👧‍👦', '\ud800'])(
  'a plain message is one that every channel takes, whatever names are in it: %j',
  (name) => {
    const notice = sampleNotice(0, 'high', 'x')
    const scope = `budget ${name.repeat(2_000)}`
    const { subject, slack, html } = plainRender({ ...notice, scope })
    expect(subject.length).toBeLessThan(2_500)
    expect(subject).not.toMatch(/\p{Cc}/u)
    expect(slack.text).not.toContain('<')
    expect(html.slice('<pre>'.length)).not.toContain('<s')
  },
)
