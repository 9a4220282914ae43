import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, test } from 'vitest'
import { startGatewayRole } from '../../src/gateway/role.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { type Server, startRedis } from '../helpers/services/index.ts'
import { bursar } from '../integration/cli-harness.ts'
import { POLICY, type Rig, startRig, until } from '../integration/queue-rig.ts'

const ANSWER_WITHIN_MS = 1_000
/** This process runs the callers, the gateway and the workers, on a machine that others use too. */
const SLACK_MS = 700
/** Who waited for an answer when Redis went learns it after a blink: until then nobody knew that it is away. */
const LEARN_MS = 3_000

/** What a worker lost when Redis went is taken over, or booked whole, within seconds. */
const QUICK = { JOB_LOCK_MS: '1500', STALLED_INTERVAL_MS: '500', HOLD_TTL_MS: '4000' }

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

interface Asked {
  readonly status: number
  readonly code: string | null
  readonly retryAfter: string | null
  readonly degraded: boolean
  readonly cache: string | null
  readonly ms: number
  /** Whether the breaker was open when it was asked. */
  readonly wasAway: boolean
}

interface World {
  readonly rig: Rig
  readonly redis: Server
  readonly bill: string
  readonly url: string
  readonly lines: readonly string[]
  isAway(): boolean
  ask(content: string): Promise<Asked>
  closeGateway(): Promise<void>
}

async function startWorld(outage: 'refuse' | 'allow'): Promise<World> {
  const redis = await startRedis()
  closers.push(() => redis.stop())
  const folder = await mkdtemp(join(tmpdir(), 'bursar-outage-'))
  closers.push(() => rm(folder, { recursive: true }))
  const bill = join(folder, 'bill.jsonl')
  const lines: string[] = []
  const sink = { write: (line: string) => void lines.push(line) }
  const rig = await startRig({
    policy: POLICY.replace('attempts: 3', `attempts: 3, outage: ${outage}`),
    sandbox: { bill },
    overrides: { logger: createLogger({ level: 'info', name: 'rig', destination: sink }) },
    env: { ...QUICK, REDIS_URL: redis.url, BURSAR_DATA: folder, BURSAR_PORT: '0' },
  })
  closers.push(() => rig.close())
  const gateway = await startGatewayRole(rig.runtime)
  let closed: Promise<void> | null = null
  const closeGateway = () => {
    closed ??= gateway.close()
    return closed
  }
  closers.push(closeGateway)
  const { url } = gateway
  const isAway = () => (rig.runtime.guard?.openSinceMs ?? null) !== null
  return {
    rig,
    redis,
    bill,
    lines,
    url,
    isAway,
    closeGateway,
    ask: (content) => ask(url, content, isAway),
  }
}

async function ask(url: string, content: string, isAway: () => boolean): Promise<Asked> {
  const wasAway = isAway()
  const startedAtMs = performance.now()
  const response = await fetch(`${url}/v1/jobs?wait=20s`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      user: 'u42',
      model: 'auto',
      messages: [{ role: 'user', content }],
    }),
  })
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at any JSON
  const body: any = await response.json()
  return {
    status: response.status,
    code: body.error?.code ?? null,
    retryAfter: response.headers.get('retry-after'),
    degraded: body.receipt?.degraded === true,
    cache: body.receipt?.cache ?? null,
    ms: performance.now() - startedAtMs,
    wasAway,
  }
}

/** Callers that never stop asking; every third asks what was asked before. */
function keepAsking({ ask: put }: World, callers: number) {
  const asked: Asked[] = []
  let over = false
  let n = 0
  const caller = async () => {
    while (!over) {
      const content = n % 3 === 0 ? 'the same for all' : `number ${n}`
      n += 1
      asked.push(await put(content))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const done = Promise.all(Array.from({ length: callers }, caller))
  return {
    asked,
    async stop() {
      over = true
      await done
      return asked
    },
  }
}

/** How long Redis is away is what a test is about; nothing tells when it is over. */
const seconds = (n: number) => new Promise((resolve) => setTimeout(resolve, n * 1_000))

const OUTAGES: Readonly<Record<string, (world: World) => Promise<void>>> = {
  async killed({ redis }) {
    await redis.kill()
    await seconds(2)
    await redis.restart()
  },
  async frozen({ redis }) {
    await redis.pause()
    await seconds(2)
    await redis.resume()
  },
  async slow({ redis }) {
    const other = new Redis(redis.url)
    await other.call('CLIENT', 'PAUSE', '2000', 'ALL')
    await seconds(2)
    other.disconnect()
  },
  async flapping({ redis }) {
    for (let i = 0; i < 4; i++) {
      await redis.pause()
      await seconds(0.9)
      await redis.resume()
      await seconds(0.3)
    }
  },
}

/** Everything is told and booked, and nothing is under way. */
async function settleDown({ rig, closeGateway, isAway }: World): Promise<void> {
  await until(async () => !isAway())
  const { interactive } = rig.runtime.queues
  await until(async () => {
    const { waiting, active, prioritized, delayed } = await interactive.getJobCounts()
    return [waiting, active, prioritized, delayed].every((count) => (count ?? 0) === 0)
  })
  const draining = setInterval(() => void rig.drain().catch(() => {}), 100)
  await closeGateway()
  await until(async () => {
    await rig.runtime.store.expire(100)
    const [company] = await rig.runtime.store.peek([`company:${month()}`])
    return company?.heldNano === 0
  })
  clearInterval(draining)
  await rig.drain()
}

describe.each(['refuse', 'allow'] as const)('outage: %s', (outage) => {
  test.each(Object.keys(OUTAGES))(
    '%s: every call ends in time, and the books agree with the bill afterwards',
    async (kind) => {
      const world = await startWorld(outage)
      const { rig, isAway } = world
      const draining = setInterval(() => void rig.drain().catch(() => {}), 200)
      closers.push(async () => clearInterval(draining))
      await world.ask('the same for all')
      if (outage === 'allow') {
        await until(async () => {
          const [window] = await rig.runtime.store.peek([`company:${month()}`])
          return (window?.heldNano ?? 0) >= 1_000_000_000
        })
        await seconds(1.5)
      }
      const load = keepAsking(world, 4)
      await seconds(0.5)
      await OUTAGES[kind]?.(world)
      await until(async () => !isAway())
      await seconds(0.5)
      const asked = await load.stop()
      clearInterval(draining)

      const away = asked.filter(({ wasAway }) => wasAway)
      expect(away.length).toBeGreaterThan(10)
      expect(Math.max(...away.map(({ ms }) => ms))).toBeLessThan(ANSWER_WITHIN_MS + SLACK_MS)
      // Where it is there in between, an answer that is under way is waited for.
      const learnMs = kind === 'flapping' ? 4 * LEARN_MS : LEARN_MS
      expect(Math.max(...asked.map(({ ms }) => ms))).toBeLessThan(learnMs + SLACK_MS)
      for (const one of asked) {
        if (one.status === 200) continue
        expect(one).toMatchObject({ status: 503, code: 'STORE_UNAVAILABLE', retryAfter: '1' })
      }
      const hits = away.filter(({ degraded, cache }) => degraded && cache === 'hit')
      expect(hits.length).toBeGreaterThan(0)
      const called = away.filter(({ degraded, cache }) => degraded && cache === 'miss')
      if (outage === 'allow') expect(called.length).toBeGreaterThan(0)
      else expect(called).toEqual([])

      const said = (words: string) => world.lines.filter((line) => line.includes(words)).length
      expect(said('using in-memory fallback')).toBeGreaterThan(0)
      expect(said('using in-memory fallback')).toBe(said('Redis answers again'))
      if (kind !== 'flapping') expect(said('using in-memory fallback')).toBe(1)
      // BullMQ says each time that it connects in vain; nothing else may be told once for each call.
      const loud = world.lines.filter(
        (line) => /"level":[456]0/.test(line) && !line.includes('queue trouble'),
      )
      expect(loud.length).toBeLessThan(20)

      await settleDown(world)
      const { stdout, stderr } = await bursar(['verify', '--bill', world.bill, '--json'], rig.env)
      const report = JSON.parse(stdout || `{"error":${JSON.stringify(stderr)}}`)
      expect(report).toMatchObject({ ok: true })
      const [company] = await rig.runtime.store.peek([`company:${month()}`])
      expect(company?.heldNano).toBe(0)
      const outcomes = await rig.runtime.ledger.db.query.requests.findMany()
      const ended = asked.filter(({ status }) => status === 200).length
      expect(outcomes.length).toBeGreaterThanOrEqual(ended)
    },
    60_000,
  )
})

const month = () => new Date().toISOString().slice(0, 7)
