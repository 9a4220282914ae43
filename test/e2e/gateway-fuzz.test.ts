import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { until } from '../integration/queue-rig.ts'
import { drawFrom, type Fuzzed, hugeRequest, nextFuzzed } from './fuzz-requests.ts'
import { type OpenAiRig, SDK_POLICY, startOpenAiRig } from './openai-rig.ts'

const REQUESTS = Number(process.env.BURSAR_FUZZ ?? 5_000)
const SEED = Number(process.env.BURSAR_FUZZ_SEED ?? 20_261_121)
const AT_ONCE = 32
const LONGEST_MS = 30_000
const WHOLE_RUN_MS = 60_000 + 30 * REQUESTS
/** Above it something is kept that should not be: one large body is 12 MiB. */
const MOST_GROWTH_BYTES = 64 * 1_024 * 1_024
const HUGE_BYTES = 100 * 1_024 * 1_024

let rig: OpenAiRig
beforeAll(async () => {
  // Half of them are called for by a worker, half by the gateway.
  const users = SDK_POLICY.replace('users: {', 'users: { u1: inline,')
  rig = await startOpenAiRig(users.replace('attempts: 1', 'attempts: 3'))
})
afterAll(() => rig.close())

/** @returns what came back; '' = nothing. */
function send({ kind, bytes, after }: Fuzzed): Promise<string> {
  const { hostname, port } = new URL(rig.gateway.url)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(Number(port), hostname)
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`${kind} had no answer: ${String(bytes[0]).slice(0, 500)}`))
    }, LONGEST_MS)
    socket.on('data', (chunk) => chunks.push(chunk))
    // A server that refuses a body closes while it is still being sent.
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(Buffer.concat(chunks).toString('latin1'))
    })
    const write = (at: number): void => {
      const piece = bytes[at]
      if (piece !== undefined && socket.writable)
        socket.write(piece, () => setImmediate(write, at + 1))
      else if (after === 'leaves') socket.destroy()
    }
    socket.once('connect', () => write(0))
  })
}

/** A machine with too much to do finds Redis slow, and says so: that is no fault of the request. */
const OVERLOADED = /HTTP\/1\.1 503 [\s\S]*"code":"store_unavailable"/i

const SECRETS = () =>
  [rig.env.REDIS_URL, rig.env.DATABASE_URL, rig.runtime.options.BURSAR_DATA, process.cwd()].filter(
    (text) => text !== undefined,
  )
const TRACE = /\n\s+at .+:\d+|node_modules|\.ts:\d+|ZodError|TypeError|RangeError|ReplyError/

/** Refusals that the request itself asks for: from the cache or not at all, in time or not at all. */
const ASKED_FOR = /"code":"(cache_miss|deadline_passed)"/i

/** @returns what is wrong with an answer; null = nothing. */
function faultOf(answer: string): string | null {
  if (answer === '') return null
  const status = Number(
    /^HTTP\/1\.1 (\d{3})/.exec(answer.slice(answer.lastIndexOf('HTTP/1.1 ')))?.[1],
  )
  if (!(status < 500 || (status === 504 && ASKED_FOR.test(answer)))) return `status ${status}`
  if (TRACE.test(answer)) return 'a stack trace or a path'
  return SECRETS().some((secret) => answer.includes(secret)) ? 'a secret' : null
}

function collect(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

const Row = z.object({ attempt: z.string(), booked: z.coerce.number() })

it(
  `${REQUESTS} requests of seed ${SEED} break nothing, tell nothing and spend nothing without a hold`,
  async () => {
    const draw = drawFrom(SEED)
    const faults: string[] = []
    const kinds = new Map<string, number>()
    let overloaded = 0
    let left = REQUESTS
    const lane = async () => {
      while (left > 0) {
        left -= 1
        const fuzzed = nextFuzzed(draw)
        const answer = await send(fuzzed)
        if (OVERLOADED.test(answer)) {
          overloaded += 1
          continue
        }
        if (answer !== '') kinds.set(fuzzed.kind, (kinds.get(fuzzed.kind) ?? 0) + 1)
        const fault = faultOf(answer)
        if (fault)
          faults.push(
            `${fault}\n${String(fuzzed.bytes[0]).slice(0, 600)}\n-> ${answer.slice(0, 600)}`,
          )
      }
    }
    const lanes = () => Promise.all(Array.from({ length: AT_ONCE }, lane))
    const all = left
    left = Math.floor(all / 5)
    await lanes()
    const early = collect()
    left = all - Math.floor(all / 5)
    await lanes()
    expect(faults.slice(0, 3)).toEqual([])
    expect(overloaded).toBeLessThan(REQUESTS / 2)
    expect([...kinds.keys()]).toEqual(
      expect.arrayContaining(['body', 'fields', 'good', 'headers', 'path']),
    )
    expect(collect() - early).toBeLessThan(MOST_GROWTH_BYTES)
    expect((await fetch(`${rig.gateway.url}/health`)).status).toBe(200)
  },
  WHOLE_RUN_MS,
)

it('a body of 100 MiB is refused while it comes', async () => {
  const before = process.memoryUsage().rss
  expect(faultOf(await send(hugeRequest(HUGE_BYTES)))).toBeNull()
  expect(process.memoryUsage().rss - before).toBeLessThan(HUGE_BYTES)
})

it('whatever was sent to the provider was held for, and its bill is in the ledger', async () => {
  await until(async () => rig.sandbox.stats().inFlight === 0)
  const { ledger, queues } = rig.runtime
  await until(async () => {
    const { active, waiting, prioritized } = await queues.interactive.getJobCounts()
    return (active ?? 0) + (waiting ?? 0) + (prioritized ?? 0) === 0
  })
  await rig.drain()
  const { rows } = await ledger.db.execute(
    sql`select attempt, sum(delta_nano) as booked from postings group by attempt`,
  )
  const booked = new Map(
    z
      .array(Row)
      .parse(rows)
      .map(({ attempt, booked: nano }) => [attempt, nano]),
  )
  const unheld = rig.tap.calls.filter(({ attempt }) => !booked.has(attempt))
  expect(unheld).toEqual([])
  const { billedNano, billed } = rig.sandbox.stats()
  expect(billed).toBeGreaterThan(0)
  const total = [...booked.values()].reduce((sum, nano) => sum + nano, 0)
  expect(total).toBeGreaterThanOrEqual(billedNano)
})
