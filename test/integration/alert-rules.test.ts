import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { sql } from 'drizzle-orm'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { evaluateAlerts } from '../../jobs/evaluate-alerts.ts'
import { verifyLedger } from '../../jobs/verify-ledger.ts'
import { listAlerts } from '../../src/alerts/list.ts'
import type { World } from '../../src/alerts/place.ts'
import { lookAll, MEASURED } from '../../src/alerts/rules/look-all.ts'
import { startAlerts } from '../../workers/alerts.ts'
import { POLICY, type Rig, startRig, until } from './queue-rig.ts'

const TELLING =
  `${POLICY.replace('responses: { ttl: 1h }', 'responses: { ttl: 1h }\n  hit_rate_target: 50')}
limits:
  - { id: burst, scope: tenant, requests: 100, per: hour }
alerts:
  rules: { connections: { above: 0.5 }, cached-latency: { above: 1s } }
`.replace('usd: "2000", per: month', 'usd: "0.000001", per: month, mode: warn, alert_at: [50, 100]')

let rig: Rig
let folder: string
const log: string[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alerts-'))
  const sink = new Writable({
    write(line: Buffer, _encoding, done) {
      log.push(line.toString())
      done()
    },
  })
  rig = await startRig({
    policy: TELLING,
    env: { BURSAR_DATA: folder },
    overrides: { logger: pino({ level: 'warn' }, sink) },
  })
})
afterAll(async () => {
  await rig.close()
  await rm(folder, { recursive: true })
})

const open = async () =>
  (await listAlerts(rig.runtime.ledger, true, 100)).map(({ rule, scope }) => `${rule}: ${scope}`)

function world(): World {
  const { ledger, store, rules, queues, redis } = rig.runtime
  return { ledger, slot: store, ...rules.current(), nowMs: Date.now(), queues, redis }
}
const lookFor = async (...rules: string[]) => {
  const { findings } = await lookAll({ ...world(), logger: rig.runtime.logger })
  return findings
    .filter(({ rule }) => rules.includes(rule))
    .map(({ rule, scope }) => `${rule}: ${scope}`)
}

/** Calls as the ledger keeps them. */
const calls = (count: number, columns: string, values: string) =>
  rig.runtime.ledger.db.execute(
    sql.raw(`
      insert into entries (attempt, job, n, status, epoch, rev, seq, cost_nano, hold_nano, overrun_nano,
        windows, rung, cap, posted_at_ms, admitted_at_ms, ${columns})
      select 'x' || md5(random()::text || i), 'j' || i, 1, 'confirmed', 1, 1, '1-1', 5, 5, 0, '{company:2026-11}', 0, 1,
        ${Date.now()}, ${Date.now()}, ${values}
      from generate_series(1, ${count}) i`),
  )
const requests = (count: number, outcome: string, reason: string, tookMs: number) =>
  rig.runtime.ledger.db.execute(
    sql.raw(`
      insert into requests (job, outcome, reason, tenant, user_id, tier, model_requested, enqueued_at_ms,
        ended_at_ms, epoch, seq)
      select md5(random()::text || i), '${outcome}', '${reason}', 'acme', 'u1', 'basic', 'gpt-0', ${Date.now() - tookMs},
        ${Date.now()}, 1, '1-1' from generate_series(1, ${count}) i`),
  )

describe('rules', () => {
  it('every one of them can look, and finds nothing in a Bursar at rest', async () => {
    const { rules, findings } = await lookAll({ ...world(), logger: rig.runtime.logger })
    expect(rules).toEqual(MEASURED.map(({ name }) => name))
    // One connection of two hundred is more than half a percent.
    expect(findings.filter(({ rule }) => rule !== 'connections')).toEqual([])
    expect(log.filter((line) => line.includes('could not look'))).toEqual([])
  })

  it('a provider that fails, a bill above its hold and one that nobody knows are found', async () => {
    await calls(15, 'provider, model, seen', `'openai', 'gpt-6-luna', 'answer'`)
    await calls(10, 'provider, model, seen', `'openai', 'gpt-6-luna', 'unbilled-error'`)
    await rig.runtime.ledger.db.execute(sql`update entries set overrun_nano = 7 where job = 'j1'`)
    await rig.runtime.ledger.db.execute(
      sql`update entries set status = 'unconfirmed', admitted_at_ms = ${Date.now() - 90_000_000}::bigint where job = 'j12'`,
    )
    expect(await lookFor('provider-errors', 'overrun', 'unconfirmed-old')).toEqual([
      'overrun: budget company',
      'unconfirmed-old: unconfirmed calls',
      'provider-errors: provider openai',
    ])
  })

  it('a model without a price, and slow answers from the cache are found', async () => {
    await requests(3, 'refused', 'UNKNOWN_MODEL', 5)
    await requests(100, 'cached', '', 3_000)
    await calls(1, 'provider, model', `'openai', 'gpt-0-unheard-of'`)
    expect((await lookFor('unpriced-model', 'cached-latency')).toSorted()).toEqual([
      'cached-latency: cached answers',
      'unpriced-model: model gpt-0',
      'unpriced-model: model gpt-0-unheard-of',
    ])
  })

  it('messages that no channel took are found', async () => {
    await rig.runtime.ledger.db.execute(sql`
      insert into alert_deliveries (id, notice, channel, state, due_at_ms, created_at_ms, ended_at_ms, last_error)
      values ('n.hook', 'n', 'hook', 'failed', 0, 0, ${Date.now()}::bigint, 'HTTP 410')`)
    expect(await lookFor('delivery-failing')).toEqual(['delivery-failing: channel hook'])
  })

  it('a job that nobody takes is found', async () => {
    const { interactive } = rig.runtime.queues
    await interactive.pause()
    const job = await interactive.add('completion', {} as never, {
      ...{ jobId: 'old', timestamp: Date.now() - 600_000 },
    })
    expect(await lookFor('queue-age')).toEqual(['queue-age: queue interactive'])
    await job.remove()
    await interactive.resume()
  })

  it('a limit that is nearly used up is found', async () => {
    const messages = [{ role: 'user' as const, content: 'hello' }]
    await rig.client.run({ user: 'u1', tenant: 'acme', model: 'gpt-6-luna', messages })
    const limits = [
      { kind: 'sliding-window', key: 'burst/acme', limit: 100, perMs: 3_600_000 } as const,
    ]
    for (let i = 0; i < 90; i++) await rig.runtime.store.takeLimits({ limits })
    expect(await lookFor('limit-near')).toEqual(['limit-near: limit burst/acme'])
  })
})

describe('a whole Bursar', () => {
  it('tells of a threshold in a file, once, whoever looks', async () => {
    await rig.drain()
    await Promise.all([1, 2, 3].map(() => evaluateAlerts.run(rig.runtime)))
    expect(await open()).toContain('budget-threshold: budget company')
    const sender = startAlerts(rig.runtime)
    const mailFolder = join(folder, 'alerts')
    const mails = async () =>
      (await readdir(mailFolder).catch(() => [])).filter((name) => name.endsWith('.eml'))
    await until(async () => (await mails()).length > 0)
    await sender.close()
    expect(await evaluateAlerts.run(rig.runtime)).toEqual({})
  })

  it('tells of a counter that the ledger does not explain', async () => {
    await rig.runtime.ledger.db.execute(sql`update window_totals set spent_nano = spent_nano + 5`)
    await verifyLedger.run(rig.runtime)
    expect((await open()).filter((one) => one.startsWith('ledger-difference'))).not.toEqual([])
  })
})
