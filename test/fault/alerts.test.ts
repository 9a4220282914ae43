import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { z } from 'zod'
import type { Outbox } from '../../src/admission/outbox.ts'
import { createRedisStore } from '../../src/admission/redis/store.ts'
import { lookAfter, raiseThresholds } from '../../src/alerts/evaluate.ts'
import type { AlertPlace } from '../../src/alerts/place.ts'
import { parsePolicy } from '../../src/config/policy.ts'
import { isBursarError } from '../../src/errors.ts'
import { drainOnce } from '../../src/ledger/drain.ts'
import { type Ledger, rowsOf } from '../../src/ledger/ledger.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { slotLedger } from '../../src/runtime/home.ts'
import { openNewSlot } from '../../src/slot/open-slot.ts'
import { childEnv } from '../helpers/child-env.ts'
import { compiled } from '../helpers/compiled.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { connectRedis, freshPrefix } from '../helpers/redis.ts'
import { type Copy, type Receivers, startReceivers } from './alert-receivers.ts'
import { LIMIT_NANO, MARKS, type Settling, settleAll } from './alert-settling.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SENDER = await compiled(new URL('./alert-child.ts', import.meta.url))
const SETTLER = await compiled(new URL('./alert-settle-child.ts', import.meta.url))

/** `BURSAR_ALERTS=10000` is the whole of it: so many settlements, from eight processes. */
const SETTLEMENTS = Number(process.env.BURSAR_ALERTS ?? 400)
const IS_LONG = process.env.BURSAR_ALERTS !== undefined
const BUDGETS = 50
const SETTLERS = IS_LONG ? 8 : 2
const SENDERS = IS_LONG ? 3 : 2
const KILLS = IS_LONG ? 12 : 1
const EVALUATORS = 3
const EACH = SETTLEMENTS / BUDGETS / SETTLERS
/** One try; a machine that is busy with eight processes takes its time. Delays are longer. */
const LIMIT_MS = IS_LONG ? 5_000 : 1_000
const PATIENCE_MS = IS_LONG ? 900_000 : 110_000

const budgets = Array.from(
  { length: BUDGETS },
  (_, i) =>
    `  - { id: b${i}, scope: { tenant: t${i} }, usd: "1", per: day, alert_at: [${MARKS.join(', ')}] }`,
)
const policyText = ({ urls }: Receivers) => `
version: 1
tiers: { everyone: { ladder: standard } }
ladders: { standard: [{ model: gpt-6-luna }] }
providers: { openai: { base_url: https://api.openai.com/v1 } }
budgets:
${budgets.join('\n')}
alerts:
  email: { smtp: "${urls.smtp}", from: bursar@example.com }
  channels:
    mail: { email: finance@example.com }
    team: { slack: "\${SLACK_HOOK}" }
    hook: { webhook: { url: "${urls.hook}", secret: "\${ALERT_SECRET}" } }
  routes:
    - { to: [mail] }
    - { severity: [high, critical], to: [team] }
    - { severity: [critical], to: [hook] }
`

let receivers: Receivers
let ledger: Ledger
let place: Omit<AlertPlace, 'nowMs'>
let outbox: Outbox
let processEnv: NodeJS.ProcessEnv
const prefix = freshPrefix()
const redis = connectRedis()
const senders: ChildProcess[] = []
const closers: (() => unknown)[] = []

/** Same moods in each run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

beforeAll(async () => {
  receivers = await startReceivers(seeded(7), LIMIT_MS + 200)
  const databaseUrl = await freshDatabase()
  ledger = await openLedger({ databaseUrl })
  const store = await createRedisStore({ redis, prefix })
  await openNewSlot({ store, redis, prefix, ledger: slotLedger(ledger) })
  const text = policyText(receivers)
  const env = { SLACK_HOOK: receivers.urls.slack, ALERT_SECRET: 's'.repeat(32) }
  const policy = parsePolicy(text, { env, prices: createPriceBook })
  place = { ledger, policy, slot: store }
  outbox = store.outbox
  processEnv = {
    ...{ ...childEnv(), POLICY: text, ...env, LIMIT_MS: String(LIMIT_MS) },
    ...{ REDIS_URL: inject('redisUrl'), DATABASE_URL: databaseUrl, QUEUE_PREFIX: freshPrefix() },
  }
  closers.push(
    () => ledger.close(),
    () => store.close(),
  )
})
afterAll(async () => {
  for (const child of senders) child.kill('SIGKILL')
  for (const close of closers.toReversed()) await close()
  redis.disconnect()
  await receivers.close()
})

async function startSender(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [SENDER], {
    ...{ cwd: ROOT, env: processEnv, stdio: ['ignore', 'pipe', 'inherit'] },
  })
  senders.push(child)
  await once(child.stdout, 'data')
  return child
}

/** Kills one that sends, in the middle of it, and starts another. */
async function killSome(kills: number): Promise<void> {
  for (let i = 0; i < kills; i++) {
    await untilMore(receivers.copies.mail, 8)
    const [victim] = senders.splice(0, 1)
    victim?.kill('SIGKILL')
    await startSender()
  }
}

async function untilMore(copies: readonly Copy[], more: number): Promise<void> {
  const from = copies.length
  while (copies.length < from + more && (await waiting()) > 0) await tick()
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 50))

async function settle(): Promise<void> {
  const costNano = (LIMIT_NANO * BUDGETS) / SETTLEMENTS
  const one = (at: number): Settling => ({
    ...{ redisUrl: inject('redisUrl'), prefix, name: `p${at}`, budgets: BUDGETS },
    ...{ each: EACH, costNano, nowMs: Date.now() },
  })
  const all = Array.from({ length: SETTLERS }, (_, at) => one(at))
  await Promise.all(all.map((work) => (IS_LONG ? settleApart(work) : settleAll(work))))
}

/** In a process of its own. */
async function settleApart(work: Settling): Promise<void> {
  const child = spawn(process.execPath, [SETTLER, JSON.stringify(work)], {
    ...{ cwd: ROOT, env: processEnv, stdio: ['ignore', 'ignore', 'inherit'] },
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`a process that settles ended with ${code}`)
}

/** Drains and raises, in several lanes at the same time, until nothing is left and nobody adds any. */
async function raiseWhile(busy: Promise<void>): Promise<void> {
  let over = false
  void busy.finally(() => {
    over = true
  })
  const evaluator = async () => {
    for (let last = false; ; last = over) {
      const isDone = await lookOnce()
      if (last && isDone) return
    }
  }
  await Promise.all([...Array.from({ length: EVALUATORS }, evaluator), busy])
}

/** As the job does: who waited too long for a turn looks again. @returns whether it could look. */
async function lookOnce(): Promise<boolean> {
  try {
    while ((await drainOnce(ledger, outbox, { batch: 200 })).state === 'drained') {}
    await raiseThresholds({ ...place, nowMs: Date.now() })
    await lookAfter({ ...place, nowMs: Date.now() })
    return true
  } catch (error) {
    if (isBursarError(error) && error.retryable) return false
    throw error
  }
}

const Count = z.object({ count: z.coerce.number() })
async function waiting(): Promise<number> {
  const asked = sql`select count(*) as count from alert_deliveries where state = 'waiting'`
  return (await rowsOf(ledger.db, Count, asked))[0]?.count ?? 0
}

const Row = z.object({
  id: z.string(),
  channel: z.string(),
  state: z.string(),
  unknown: z.coerce.number(),
  errors: z.string().nullable(),
})
/** Every delivery, and how many of its tries nobody knows the end of. */
const deliveries = () =>
  rowsOf(
    ledger.db,
    Row,
    sql`
      select notice as id, channel, state,
        (select count(*) from alert_tries t where t.delivery = d.id and t.outcome = 'unknown') as unknown,
        (select string_agg(error, ' ' order by n) from alert_tries t where t.delivery = d.id) as errors
      from alert_deliveries d`,
  )

const Alert = z.object({
  id: z.string(),
  scope: z.string(),
  threshold: z.number(),
  severity: z.string(),
  state: z.string(),
  notices: z.number(),
})

it(
  'each receiver ends with exactly the messages that the rule says, twice only where its answer was cut',
  async () => {
    await Promise.all(Array.from({ length: SENDERS }, startSender))
    await raiseWhile(settle())
    await killSome(KILLS)
    while ((await waiting()) > 0) await tick()

    const raised = await rowsOf(
      ledger.db,
      Alert,
      sql`select id, scope, threshold, severity, state, notices from alerts`,
    )
    // Every mark of every budget, once; one message for each that was not passed over.
    expect(raised).toHaveLength(BUDGETS * MARKS.length)
    const told = raised.filter(({ state }) => state !== 'passed-over')
    expect(told.every(({ notices }) => notices === 1)).toBe(true)
    expect(raised.filter((one) => !told.includes(one) && one.notices > 0)).toEqual([])
    const highest = told.filter(({ threshold }) => threshold === 100)
    expect(highest).toHaveLength(BUDGETS)

    const rows = await deliveries()
    expect(rows.filter(({ state }) => state !== 'sent')).toEqual([])
    const idsOf = (severities: readonly string[]) =>
      told.filter(({ severity }) => severities.includes(severity)).map(({ id }) => `${id}-1`)
    expectExactly(receivers.copies.mail, idsOf(['medium', 'high', 'critical']), rows, 'mail')
    expectExactly(receivers.copies.slack, idsOf(['high', 'critical']), rows, 'team')
    expectExactly(receivers.copies.hook, idsOf(['critical']), rows, 'hook')
  },
  PATIENCE_MS,
)

type Delivery = z.infer<typeof Row>

function expectExactly(
  copies: readonly Copy[],
  ids: readonly string[],
  rows: readonly Delivery[],
  channel: string,
): void {
  expect(new Set(copies.map(({ id }) => id))).toEqual(new Set(ids))
  for (const id of ids) {
    const own = copies.filter((copy) => copy.id === id)
    const record = rows.find((row) => row.id === id && row.channel === channel)
    // Each further copy is one that nobody was told of, and each such try is on record.
    expect([channel, id, own.length - 1 <= (record?.unknown ?? 0)]).toEqual([channel, id, true])
  }
}
