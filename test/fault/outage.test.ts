import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { startGatewayRole } from '../../src/gateway/role.ts'
import { redisOf } from '../../src/runtime.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { type Server, startRedis } from '../helpers/services/index.ts'
import { bursar } from '../integration/cli-harness.ts'
import { POLICY, type Rig, startRig, until } from '../integration/queue-rig.ts'
import { type SlowProxy, startSlowProxy } from './slow-proxy.ts'

/** How long Redis is away, s; `verify:long` takes a minute of each. */
const AWAY_S = Number(process.env.BURSAR_OUTAGE_S ?? 2)

const ANSWER_WITHIN_MS = 1_000
/** This process runs the callers, the gateway and the workers, on a machine that others use too. */
const SLACK_MS = 700

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
  /** By the clock of `performance`. */
  readonly startedAtMs: number
  readonly endedAtMs: number
  /** Whether the breaker was open when it was asked. */
  readonly wasAway: boolean
}

interface Outage {
  readonly fromMs: number
  toMs: number
}

interface World {
  readonly rig: Rig
  readonly redis: Server
  readonly proxy: SlowProxy
  /** When it was found out that Redis is away, and that it is back. */
  readonly outages: readonly Outage[]
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
  const proxy = await startSlowProxy(redis.url)
  closers.push(() => proxy.close())
  const folder = await mkdtemp(join(tmpdir(), 'bursar-outage-'))
  closers.push(() => rm(folder, { recursive: true }))
  const bill = join(folder, 'bill.jsonl')
  const lines: string[] = []
  const sink = { write: (line: string) => void lines.push(line) }
  const rig = await startRig({
    policy: POLICY.replace('attempts: 3', `attempts: 3, outage: ${outage}`),
    sandbox: { bill },
    overrides: { logger: createLogger({ level: 'info', name: 'rig', destination: sink }) },
    env: { ...QUICK, REDIS_URL: proxy.url, BURSAR_DATA: folder, BURSAR_PORT: '0' },
  })
  closers.push(() => rig.close())
  const outages: Outage[] = []
  rig.runtime.guard?.onChange((isAway) => {
    const last = outages.at(-1)
    if (isAway) outages.push({ fromMs: performance.now(), toMs: Number.POSITIVE_INFINITY })
    else if (last) last.toMs = performance.now()
  })
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
    proxy,
    outages,
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
    startedAtMs,
    endedAtMs: performance.now(),
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
    await seconds(AWAY_S)
    await redis.restart()
  },
  async frozen({ redis }) {
    await redis.pause()
    await seconds(AWAY_S)
    await redis.resume()
  },
  async slow({ proxy }) {
    proxy.delayMs = 1_200
    await seconds(AWAY_S)
    proxy.delayMs = 0
  },
  async flapping({ redis }) {
    for (let i = 0; i < 2 * AWAY_S; i++) {
      await redis.pause()
      await seconds(0.9)
      await redis.resume()
      await seconds(0.3)
    }
  },
  async emptied({ rig, redis }) {
    const said = await redisOf(rig.runtime).commands.config('GET', 'dir')
    const [, dir] = z.tuple([z.string(), z.string()]).parse(said)
    await redis.kill()
    await rm(`${dir}/appendonlydir`, { recursive: true })
    await seconds(AWAY_S)
    await redis.restart()
  },
}

/** A line for each outage, for each vain attempt of BullMQ to connect, and for each call while the slot is made again. */
const QUIET = ['using in-memory fallback', 'queue trouble', '"msg":"answered"']
/** Lines of warnings and errors beside those in one outage, however long. */
const MOST_LOUD = 20

/** What may be told instead of an answer: to come back in a moment, and nothing else. */
const CODES: Readonly<Record<string, readonly string[]>> = {
  emptied: ['SLOT_CLOSED', 'QUEUE_LOST'],
  // Locks are short here: a worker may lose a job as often as it may be taken.
  flapping: ['ATTEMPTS_EXHAUSTED', 'PROVIDER_OUTCOME_UNKNOWN'],
}

/** How long calls waited while it was known that Redis is away: those made then, and those that waited already. */
const waitedInVain = (asked: readonly Asked[], outages: readonly Outage[]): number[] =>
  outages.flatMap(({ fromMs, toMs }) =>
    asked
      .filter(({ startedAtMs, endedAtMs }) => startedAtMs < toMs && endedAtMs > fromMs)
      // Where it is there again, an answer that is under way is waited for.
      .map(
        ({ startedAtMs, endedAtMs }) => Math.min(endedAtMs, toMs) - Math.max(startedAtMs, fromMs),
      ),
  )

/** Drains one batch after the other, as a worker does. @returns stops it, when the one under way is over. */
function keepDraining({ drain }: Rig): () => Promise<void> {
  let over = false
  const done = (async () => {
    while (!over) {
      await drain().catch(() => {})
      await seconds(0.1)
    }
  })()
  return () => {
    over = true
    return done
  }
}

/** Everything is told and booked, and nothing is under way. */
async function settleDown({ rig, closeGateway, isAway }: World): Promise<void> {
  await until(async () => !isAway())
  const { interactive } = rig.runtime.queues
  await until(async () => {
    const { waiting, active, prioritized, delayed } = await interactive.getJobCounts()
    return [waiting, active, prioritized, delayed].every((count) => (count ?? 0) === 0)
  })
  const stopDraining = keepDraining(rig)
  await closeGateway()
  await until(async () => {
    await rig.runtime.store.expire(100)
    const [company] = await rig.runtime.store.peek([`company:${month()}`])
    return company?.heldNano === 0
  })
  await stopDraining()
  await rig.drain()
}

describe.each(['refuse', 'allow'] as const)('outage: %s', (outage) => {
  test.each(Object.keys(OUTAGES))(
    '%s: every call ends in time, and the books agree with the bill afterwards',
    async (kind) => {
      const world = await startWorld(outage)
      const { rig, isAway } = world
      const stopDraining = keepDraining(rig)
      closers.push(stopDraining)
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
      await stopDraining()

      const away = asked.filter(({ wasAway }) => wasAway)
      expect(away.length).toBeGreaterThan(10)
      const waited = waitedInVain(asked, world.outages)
      expect(Math.max(0, ...waited)).toBeLessThan(ANSWER_WITHIN_MS + SLACK_MS)
      for (const one of asked) {
        if (one.status === 200) continue
        expect(['STORE_UNAVAILABLE', ...(CODES[kind] ?? [])]).toContain(one.code)
        if (one.code === 'STORE_UNAVAILABLE') {
          // Five when the allowance is used up: that lasts longer than a blink.
          expect(one).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^[15]$/) })
        }
      }
      const hits = away.filter(({ degraded, cache }) => degraded && cache === 'hit')
      expect(hits.length).toBeGreaterThan(0)
      const called = away.filter(({ degraded, cache }) => degraded && cache === 'miss')
      if (outage === 'allow') expect(called.length).toBeGreaterThan(0)
      else expect(called).toEqual([])

      const said = (words: string) => world.lines.filter((line) => line.includes(words)).length
      expect(said('using in-memory fallback')).toBeGreaterThan(0)
      expect(said('using in-memory fallback')).toBe(said('Redis answers again'))
      if (['killed', 'frozen'].includes(kind)) expect(said('using in-memory fallback')).toBe(1)
      const loud = world.lines.filter(
        (line) => /"level":[456]0/.test(line) && !QUIET.some((words) => line.includes(words)),
      )
      expect(loud.slice(MOST_LOUD)).toEqual([])

      await settleDown(world)
      const { stdout, stderr } = await bursar(['verify', '--bill', world.bill, '--json'], rig.env)
      const report = JSON.parse(stdout || `{"error":${JSON.stringify(stderr)}}`)
      expect(report, stdout).toMatchObject({ ok: true })
      const [company] = await rig.runtime.store.peek([`company:${month()}`])
      expect(company?.heldNano).toBe(0)
      // A row that was not drained when Redis was emptied is gone; money is not.
      if (kind === 'emptied') return
      const outcomes = await rig.runtime.ledger.db.query.requests.findMany()
      const ended = asked.filter(({ status }) => status === 200).length
      expect(outcomes.length).toBeGreaterThanOrEqual(ended)
    },
    60_000 + 2_000 * AWAY_S,
  )
})

const month = () => new Date().toISOString().slice(0, 7)
