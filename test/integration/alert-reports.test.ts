import { afterAll, beforeAll, expect, it } from 'vitest'
import { storesPlace } from '../../src/admin/place/stores.ts'
import { sendReport } from '../../src/admin/send-report.ts'
import { gatherReport, lastPeriod } from '../../src/alerts/reports/gather.ts'
import { postReports } from '../../src/alerts/reports/post.ts'
import { render } from '../../src/alerts/templates/render.ts'
import { alertDeliveries, alertNotices } from '../../src/ledger/schema.ts'
import { parseUsd } from '../../src/money/usd.ts'
import { ask, POLICY, type Rig, startRig } from './queue-rig.ts'

const DAY_MS = 86_400_000
const WITH_REPORTS = `${POLICY}
alerts:
  channels: { finance: { email: fred@acme.example } }
  reports:
    - { every: weekly, at: "09:00", tag: feature }
    - { every: monthly, tenant: nobody }
`

let rig: Rig
beforeAll(async () => {
  rig = await startRig({ policy: WITH_REPORTS })
})
afterAll(() => rig?.close())

/** The Monday after now, at a time of day in UTC. */
function nextMonday(time: string): number {
  const day = new Date(Date.now() + DAY_MS)
  while (day.getUTCDay() !== 1) day.setTime(day.getTime() + DAY_MS)
  return Date.parse(`${day.toISOString().slice(0, 10)}T${time}Z`)
}

it('what a week cost is told once, on Monday at its time, and adds up to the ledger', async () => {
  const { ledger, store, rules } = rig.runtime
  for (const feature of ['tutor', 'search', '=cmd|calc']) {
    await rig.client.run(ask(`a question about ${feature}`, { tags: { feature } }))
  }
  await rig.drain()
  const { policy } = rules.current()
  const at = (nowMs: number) => ({ ledger, policy, slot: store, nowMs })

  // The week is over at midnight, and its report is wanted at nine.
  expect(await postReports(at(nextMonday('08:59:00')), 'weekly')).toBe(0)
  const nine = at(nextMonday('09:00:00'))
  const posted = await Promise.all([1, 2, 3].map(() => postReports(nine, 'weekly')))
  expect(posted.toSorted()).toEqual([0, 0, 1])
  expect(await postReports(at(nextMonday('12:00:00')), 'weekly')).toBe(0)

  // One that is new in the policy begins with the month that is under way.
  const today = new Date()
  const mid = Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + 1, 15, 9)
  expect(await postReports(at(mid), 'monthly')).toBe(0)

  const [row, ...others] = await ledger.db.select().from(alertNotices)
  expect(others).toEqual([])
  const deliveries = await ledger.db.select().from(alertDeliveries)
  expect(deliveries.map(({ channel }) => channel)).toEqual(['finance'])
  if (!row) throw new Error('a message was written')

  const { facts } = row.body
  if (facts.rule !== 'report') throw new Error('it is a report')
  const entries = await ledger.db.query.entries.findMany()
  const spent = entries.reduce((sum, { costNano }) => sum + costNano, 0)
  expect(spent).toBeGreaterThan(0)
  expect(facts).toMatchObject({ costNano: spent, requests: 3, beforeNano: null })
  for (const part of [facts.byModel, facts.byTenant, facts.byTag?.rows ?? [], facts.days]) {
    expect(part.reduce((sum, { costNano }) => sum + costNano, 0)).toBe(spent)
  }
  expect(facts.days).toHaveLength(7)

  const { subject, attachments, html } = await render(row.body)
  expect(subject).toMatch(/^\[REPORT\] Weekly AI report: \$/)
  expect(html).toContain('tutor')
  expect(html).not.toContain('a question about')
  const csv = Buffer.from(attachments.find(({ cid }) => cid === null)?.content ?? []).toString()
  const lines = csv
    .trimEnd()
    .split('\r\n')
    .map((line) => line.split(','))
  expect(lines[1]?.slice(0, 3)).toEqual(['total', '', expect.any(String)])
  expect(parseUsd(lines[1]?.[2] ?? '')).toBe(spent)
  // No spreadsheet runs it.
  expect(csv).toContain("feature,'=cmd|calc,")
})

it('bursar send-report shows a report, and sends it to whom the policy knows', async () => {
  const place = storesPlace(rig.options)
  try {
    const wanted = { every: 'weekly', tag: 'feature', to: [] } as const
    const shown = await sendReport.run(place, { ...wanted, to: [] })
    expect(shown).toMatchObject({ channels: [], subject: expect.stringContaining('Weekly') })
    const { id } = await sendReport.run(place, { ...wanted, to: ['finance'] })
    const deliveries = await rig.runtime.ledger.db.select().from(alertDeliveries)
    expect(deliveries.map((one) => one.id)).toContain(`${id}.finance`)
    expect(deliveries.map(({ notice }) => notice)).not.toContain(shown.id)
    await expect(sendReport.run(place, { ...wanted, to: ['nobody'] })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('name one of finance'),
    })
  } finally {
    await place.close()
  }
})

it('a tenant without spend has an empty report, and periods follow the policy’s timezone', async () => {
  const { ledger, store, rules } = rig.runtime
  const place = {
    ledger,
    policy: rules.current().policy,
    slot: store,
    nowMs: nextMonday('09:00:00'),
  }
  const facts = await gatherReport(place, { every: 'monthly', tag: 'feature', tenant: 'nobody' })
  expect(facts).toMatchObject({ costNano: 0, requests: 0, byModel: [], byTag: null, budgets: [] })
  const march = Date.parse('2026-03-30T12:00:00Z')
  expect(lastPeriod('weekly', 'Europe/Berlin', march)).toEqual({
    // The clock went forward in that week: it had 167 hours.
    fromMs: Date.parse('2026-03-22T23:00:00Z'),
    toMs: Date.parse('2026-03-29T22:00:00Z'),
  })
})
