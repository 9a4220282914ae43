import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { sql } from 'drizzle-orm'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { evaluateAlerts } from '../../jobs/evaluate-alerts.ts'
import { verifyLedger } from '../../jobs/verify-ledger.ts'
import { storesPlace } from '../../src/admin/place/stores.ts'
import { pricesImport } from '../../src/admin/prices/prices.ts'
import { openWindows } from '../../src/admission/plan/find-windows.ts'
import { listAlerts } from '../../src/alerts/list.ts'
import { MEASURED } from '../../src/alerts/rules/look-all.ts'
import { priceChange } from '../../src/alerts/rules/prices.ts'
import { connections } from '../../src/alerts/rules/servers.ts'
import { parsePolicy } from '../../src/config/policy.ts'
import { usualAlerts } from '../../src/config/policy-alerts-build.ts'
import { readTimeline } from '../../src/ledger/price-snapshots.ts'
import { alertNotices } from '../../src/ledger/schema.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { createFollowingClock } from '../../src/queue/clock.ts'
import { startAlerts } from '../../workers/alerts.ts'
import { attemptMeta } from '../helpers/attempt-meta.ts'
import { type Server, startRedis } from '../helpers/services/index.ts'
import { POLICY, type Rig, startRig, until } from './queue-rig.ts'

const USD = 1_000_000_000
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
/** Four days before noon of a Saturday. */
const START_MS = Date.UTC(2026, 10, 17, 12)
const NOON_MS = START_MS + 4 * DAY_MS

const TELLING = `${POLICY.replace(
  'responses: { ttl: 1h }',
  'responses: { ttl: 1h }\n  hit_rate_target: 50',
).replace(
  'ladders:',
  '  - { id: acme, scope: { tenant: acme }, usd: "190", per: month, alert_at: [80] }\nladders:',
)}
limits:
  - { id: burst, scope: tenant, requests: 100, per: hour }
  - { id: drafts, scope: { tag: lesson }, resource: generation, requests: 10, per: hour }
`

const clock = createFollowingClock(START_MS)
const log: string[] = []
let server: Server
let redis: Redis
let rig: Rig
let folder: string

/** A Redis of its own, whose memory and connections may run out; and half a dollar spent in each hour of four days. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alerts-'))
  const sink = new Writable({
    write(line: Buffer, _encoding, done) {
      log.push(line.toString())
      done()
    },
  })
  server = await startRedis({ appendfsync: 'no' })
  redis = new Redis(server.url)
  rig = await startRig({
    ...{ policy: TELLING, workers: false },
    env: { BURSAR_DATA: folder, REDIS_URL: server.url },
    overrides: { clock, logger: pino({ level: 'warn' }, sink) },
  })
  while (clock.now() < NOON_MS) {
    await spend(USD / 2)
    clock.follow(clock.now() + HOUR_MS)
  }
  await rig.drain()
})
afterAll(async () => {
  await rig?.close()
  redis?.disconnect()
  await server?.stop()
  await rm(folder, { recursive: true })
})

let spendings = 0
/** One call of acme's, held and settled. */
async function spend(costNano: number): Promise<void> {
  const { store, rules } = rig.runtime
  const { policy } = rules.current()
  const windows = openWindows(policy, 'acme', clock.now())
  spendings += 1
  const call = { attempt: `j${spendings}/1`, job: `j${spendings}` }
  const rung = { outputPico: 0, capTokens: 0, floorTokens: 0, until: null, inputTokens: 0 }
  const user = costNano > USD ? 'nightly' : 'u1'
  const meta = attemptMeta({ user, rungs: [{ model: 'gpt-6-luna', provider: 'openai' }] })
  const reply = await store.admit({
    ...{ ...call, policy: policy.version, windows, limits: [], cacheKey: null, meta },
    rungs: [{ ...rung, gate: 'openai:luna', fixedNano: costNano }],
    ...{ maxTakes: 9, ttlMs: 600_000 },
  })
  if (reply.outcome !== 'held') throw new Error(`${reply.outcome}: there was money`)
  await store.settle({
    ...{ ...call, kind: 'settled', costNano, holdNano: costNano, atMs: reply.atMs, meta },
    ...{ windows: windows.map(({ key }) => key), tokens: null, detail: '' },
    ...{ conclusion: null, cache: null, gate: null },
  })
}

/** Looks as the job of several processes does, after a while. */
async function look(laterMs = MINUTE_MS): Promise<void> {
  clock.follow(clock.now() + laterMs)
  const looks = await Promise.all([1, 2, 3].map(() => evaluateAlerts.run(rig.runtime)))
  expect(looks.filter((told) => told && 'unlooked' in told)).toEqual([])
}

const raised = async (states: readonly string[]) =>
  (await listAlerts(rig.runtime.ledger, true, 100))
    .filter(({ state }) => states.includes(state))
    .map(({ rule, scope }) => `${rule}: ${scope}`)
    .toSorted()

/** What was told, whatever it was told of. */
const told = async () =>
  (await rig.runtime.ledger.db.select().from(alertNotices)).map(({ body }) => ({
    ...{ about: `${body.rule}: ${body.scope}`, state: body.state, facts: body.facts },
  }))
const toldAs = async (state: string) =>
  (await told()).filter((one) => one.state === state).map(({ about }) => about)

/** Calls and requests as the ledger keeps them. */
const calls = (count: number, columns: string, values: string) =>
  rig.runtime.ledger.db.execute(
    sql.raw(`
      insert into entries (attempt, job, n, status, epoch, rev, seq, cost_nano, hold_nano, overrun_nano,
        windows, rung, cap, posted_at_ms, admitted_at_ms, ${columns})
      select 'x' || md5(random()::text || i), 'x' || i, 1, 'confirmed', 1, 1, '1-1', 5, 5, 0, '{company:2026-11}', 0, 1,
        ${clock.now()}, ${clock.now()}, ${values}
      from generate_series(1, ${count}) i`),
  )
const requests = (count: number, outcome: string, reason: string, tookMs: number) =>
  rig.runtime.ledger.db.execute(
    sql.raw(`
      insert into requests (job, outcome, reason, tenant, user_id, tier, tags, model_requested,
        enqueued_at_ms, ended_at_ms, epoch, seq)
      select md5(random()::text || i), '${outcome}', '${reason}', 'acme', 'u1', 'basic',
        '{"lesson":"seven","page":"2"}', 'gpt-0', ${clock.now() - tookMs}, ${clock.now()}, 1, '1-1' from generate_series(1, ${count}) i`),
  )

const infoOf = async (section: string, field: string): Promise<number> =>
  Number(new RegExp(`^${field}:(\\d+)`, 'm').exec(await redis.info(section))?.[1])

async function importPrices(usd: string, effectiveFromMs: number): Promise<void> {
  const place = storesPlace(rig.options)
  try {
    const list = { prices: [{ model: 'gpt-6-luna', input: usd, output: usd }] }
    const from = { list, source: 'a test' }
    await pricesImport.run(place, { from, effectiveFromMs, yes: true })
  } finally {
    await place.close()
  }
}

/** What makes each rule that measures fire. @returns what ends it, where that is more than time. */
const CAUSES: Readonly<Record<string, () => Promise<(() => Promise<unknown>) | undefined>>> = {
  async 'forecast and burn rate'() {
    await spend(40 * USD)
    await rig.drain()
    return async () => {
      const { store, rules } = rig.runtime
      const { policy } = rules.current()
      const [line] = openWindows(policy, 'acme', clock.now())
      if (!line) throw new Error('acme has a window')
      const grant = { id: 'more', amountNano: 300 * USD, untilMs: line.endMs }
      return store.credit({ ...grant, policy: policy.version, line })
    }
  },
  async 'a limit'() {
    const limits = [
      { kind: 'sliding-window', key: 'burst/acme', limit: 100, perMs: HOUR_MS } as const,
    ]
    for (let i = 0; i < 90; i++) await rig.runtime.store.takeLimits({ limits })
    return undefined
  },
  async 'a limit of one thing, by a tag'() {
    const limits = [
      { kind: 'sliding-window', key: 'drafts/seven', limit: 10, perMs: HOUR_MS } as const,
    ]
    for (let i = 0; i < 9; i++) await rig.runtime.store.takeLimits({ limits })
    return undefined
  },
  async 'models without a price'() {
    await requests(3, 'refused', 'UNKNOWN_MODEL', 5)
    await calls(1, 'provider, model', `'openai', 'gpt-0-unheard-of'`)
    return undefined
  },
  async 'another price than yesterday'() {
    await importPrices('0.02', NOON_MS - DAY_MS)
    await importPrices('0.03', NOON_MS - HOUR_MS)
    return undefined
  },
  async 'a provider that fails, bills too much, and keeps bills to itself'() {
    await calls(15, 'provider, model, seen', `'openai', 'gpt-6-luna', 'answer'`)
    await calls(10, 'provider, model, seen', `'openai', 'gpt-6-luna', 'unbilled-error'`)
    const { db } = rig.runtime.ledger
    await db.execute(sql`update entries set overrun_nano = 7 where job = 'x11'`)
    await db.execute(sql`
      update entries set status = 'unconfirmed', admitted_at_ms = ${clock.now() - DAY_MS - 1}::bigint
      where job = 'x12'`)
    return () => db.execute(sql`update entries set status = 'confirmed' where job = 'x12'`)
  },
  async 'a cache that is asked in vain, and slow'() {
    await requests(150, 'answered', '', 5)
    await requests(100, 'cached', '', 101)
    return undefined
  },
  async 'a queue that nobody takes from'() {
    const { interactive } = rig.runtime.queues
    const old = { jobId: 'old', timestamp: Date.now() - 600_000 }
    const job = await interactive.add('completion', {} as never, old)
    return () => job.remove()
  },
  async 'a channel that takes no messages'() {
    await rig.runtime.ledger.db.execute(sql`
      insert into alert_deliveries (id, notice, channel, state, due_at_ms, created_at_ms, ended_at_ms, last_error)
      values ('n.hook', 'n', 'hook', 'failed', 0, 0, ${clock.now()}::bigint, 'HTTP 410')`)
    return undefined
  },
  async 'a Redis that fills up'() {
    await redis.setrange('ballast', 4 * 1_024 * 1_024, 'x')
    const used = await infoOf('memory', 'used_memory')
    await redis.config('SET', 'maxmemory', Math.floor(used / 0.85))
    return () => redis.del('ballast')
  },
  async 'a Redis with hardly a connection left'() {
    const open = await infoOf('clients', 'connected_clients')
    await redis.config('SET', 'maxclients', Math.floor(open / 0.85))
    return () => redis.config('SET', 'maxclients', 1_000)
  },
}

const STANDING = [
  ...['burn-rate: budget acme', 'cached-latency: cached answers', 'connections: redis'],
  ...['delivery-failing: channel hook', 'hit-rate: cache', 'limit-near: limit burst/acme'],
  'limit-near: limit drafts/seven',
  ...['projected-overrun: budget acme', 'provider-errors: provider openai'],
  ...['queue-age: queue interactive', 'redis-memory: redis', 'unconfirmed-old: unconfirmed calls'],
]
const HAPPENED = [
  ...['overrun: budget company', 'price-change: model gpt-6-luna'],
  ...['unpriced-model: model gpt-0', 'unpriced-model: model gpt-0-unheard-of'],
]
const ALL = [...STANDING, ...HAPPENED].toSorted()
const mends: (() => Promise<unknown>)[] = []

it('at rest every rule looks, and finds nothing', async () => {
  await look()
  expect(await raised(['open'])).toEqual([])
  expect(log.filter((line) => line.includes('could not look'))).toEqual([])
})

it('every rule fires when there is cause, and is told once, whoever looks how often', async () => {
  for (const cause of Object.values(CAUSES)) {
    const mend = await cause()
    if (mend) mends.push(mend)
  }
  await look()
  expect(await raised(['open'])).toEqual(ALL)
  await look()
  await look()
  expect(log.filter((line) => line.includes('could not look'))).toEqual([])
  expect((await toldAs('raised')).toSorted()).toEqual(ALL)
  expect(new Set(ALL.map((one) => one.split(':')[0]))).toEqual(
    new Set(MEASURED.map(({ name }) => name)),
  )
})

it('what is told is what was measured', async () => {
  const all = await told()
  const factsOf = (about: string) => all.find((one) => one.about.startsWith(about))?.facts
  expect(factsOf('hit-rate')).toMatchObject({ value: 40, threshold: 50 })
  expect(factsOf('cached-latency')).toMatchObject({ value: 101, threshold: 100, unit: 'ms' })
  expect(factsOf('provider-errors')).toMatchObject({ value: 41, threshold: 20 })
  expect(factsOf('price-change')).toMatchObject({
    before: { input: '0.02', output: '0.02' },
    after: { input: '0.03', output: '0.03' },
  })
  expect(factsOf('burn-rate')).toMatchObject({ hourNano: 40 * USD, usualNano: USD / 2 })
  const forecast = factsOf('projected-overrun')
  if (forecast?.rule !== 'projected-overrun') throw new Error('it was told')
  expect(forecast.outlook?.expectedNano).toBeGreaterThan(190 * USD)
  expect(forecast).toMatchObject({
    spentNano: 88 * USD,
    drivers: [{ name: 'u1' }, { name: 'nightly' }],
  })
})

it('a process that began today knows what a model cost yesterday', async () => {
  const { ledger, store, rules, queues, redis: own } = rig.runtime
  const { policy } = rules.current()
  const prices = createPriceBook(policy, await readTimeline(ledger, clock.now()))
  const place = { ledger, slot: store, policy, prices, nowMs: clock.now(), queues, redis: own }
  const [found] = await priceChange.look(place, 0)
  expect(found?.facts).toMatchObject({ before: { input: '0.02' }, after: { input: '0.03' } })
})

it('a price that is edited in the policy without a date is told the day that it holds', async () => {
  const { ledger, store, rules, queues, redis: own } = rig.runtime
  await ledger.db.execute(sql`update policies set created_at_ms = ${START_MS}`)
  const timeline = await readTimeline(ledger, clock.now())
  const changesBy = async (yaml: string) => {
    const edited = parsePolicy(yaml, { env: {}, prices: createPriceBook })
    const policy = { ...edited, version: rules.current().policy.version + 1 }
    const prices = createPriceBook(policy, timeline)
    const place = { ledger, slot: store, policy, prices, nowMs: clock.now(), queues, redis: own }
    const found = await priceChange.look(place, 0)
    // The list's own change of that day is told by each.
    return found.filter(({ scope }) => scope !== 'model gpt-6-luna').map(({ facts }) => facts)
  }
  const dearer = `${TELLING}prices: [{ model: gpt-6-sol, input: "7", output: "9" }]\n`
  const before = createPriceBook(rules.current().policy).price('gpt-6-sol', 'openai', START_MS)
  expect(await changesBy(dearer)).toEqual([
    {
      ...{ rule: 'price-change', model: 'gpt-6-sol', provider: 'openai' },
      before: {
        input: String((before?.steps[0]?.rates.input ?? 0) / 1_000_000),
        output: String((before?.steps[0]?.rates.output ?? 0) / 1_000_000),
      },
      after: { input: '7', output: '9' },
      effectiveFromMs: NOON_MS - 12 * HOUR_MS,
    },
  ])
  const joined = TELLING.replace(
    '{ model: gpt-6-luna }',
    '{ model: gpt-new }, { model: gpt-6-luna }',
  )
  expect(
    await changesBy(`${joined}prices: [{ model: gpt-new, input: "1", output: "2" }]\n`),
  ).toEqual([])
})

it('what stood is over when its cause has been gone for a while, and that is told', async () => {
  for (const mend of mends) await mend()
  await look(2 * HOUR_MS)
  expect(await raised(['resolved'])).toEqual([])
  await look(usualAlerts().dampMs)
  expect(await raised(['resolved'])).toEqual(STANDING)
  expect((await toldAs('resolved')).toSorted()).toEqual(STANDING)
  expect(await raised(['open'])).toEqual(HAPPENED)
})

it('what happened is over with its day, without a word', async () => {
  await look(DAY_MS)
  expect(await raised(['resolved'])).toEqual(ALL)
  expect(await toldAs('resolved')).toHaveLength(STANDING.length)
})

it('a PostgreSQL with too many connections is found', async () => {
  const { ledger, store, rules, queues, redis: own } = rig.runtime
  // Several at a time, so that the pool has several open.
  await Promise.all([1, 2, 3, 4, 5].map(() => ledger.db.execute(sql`select pg_sleep(0.05)`)))
  const place = { ledger, slot: store, ...rules.current(), nowMs: clock.now(), queues }
  const found = await connections.look({ ...place, redis: own }, 0.5)
  expect(found.map(({ scope }) => scope)).toContain('postgres')
})

it('a threshold is a file of its own, like every message before it', async () => {
  await spend(310 * USD)
  await rig.drain()
  await look()
  // So much at once is above the forecast and above what is usual, once more.
  const rules = ['budget-threshold', 'burn-rate', 'projected-overrun']
  expect(await raised(['open'])).toEqual(rules.map((rule) => `${rule}: budget acme`))
  const sender = startAlerts(rig.runtime)
  const expected = ALL.length + STANDING.length + rules.length
  const mails = async () =>
    (await readdir(join(folder, 'alerts')).catch(() => [])).filter((name) => name.endsWith('.eml'))
  await until(async () => (await mails()).length === expected)
  await sender.close()
  expect(await evaluateAlerts.run(rig.runtime)).toEqual({})
})

it('a counter that the ledger does not explain is told', async () => {
  await rig.runtime.ledger.db.execute(sql`update window_totals set spent_nano = spent_nano + 5`)
  await verifyLedger.run(rig.runtime)
  const open = await raised(['open'])
  expect(open.filter((one) => one.startsWith('ledger-difference'))).not.toEqual([])
})
