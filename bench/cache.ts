import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { slotKeys } from '../src/admission/keys.ts'
import { readCacheKeys } from '../src/cache/codec/keys.ts'
import { createKeeper } from '../src/cache/responses/keeper.ts'
import { createNearCache } from '../src/cache/responses/near-cache.ts'
import { createClient } from '../src/client/index.ts'
import { type Bench, compare, compareTurns, type Figures, round } from './bench.ts'
import { type Asked, AskedSchema } from './cache-child.ts'
import { costsOf } from './costs.ts'
import { child, startWorkerHome } from './worker-home.ts'

const LANES = 64
/** Short turns, and many: neighbours in time are alike on a machine whose speed wanders. */
const ROUNDS = 25
const COST_PART = 5
const PROCESSES = 4
const NEAR_ANSWERS = 1_000
const NEAR_LOOKS = 20_000
const CODEC_LANES = 8

const request = (content: string) => ({
  user: 'u1',
  model: 'gpt-6-astra',
  max_completion_tokens: 1_024,
  messages: [{ role: 'user' as const, content }],
})

/** Looks for answers at hand, as a process does before it asks Redis. */
function nearPerSecond(text: string, seconds: number): number {
  const near = createNearCache()
  const keys = Array.from({ length: NEAR_ANSWERS }, () => randomBytes(40).toString('hex'))
  const entry = { json: text, model: '', provider: '', text: '' }
  for (const key of keys) near.keep(key, { entry, sum: 'x' }, 3_600_000)
  const startMs = performance.now()
  let looks = 0
  let found = 0
  while (performance.now() - startMs < seconds * 1_000) {
    for (let i = 0; i < NEAR_LOOKS; i++) if (near.find(keys[i % keys.length] ?? '')) found += 1
    looks += NEAR_LOOKS
  }
  if (found < looks) throw new Error('an answer at hand was not found')
  return looks / ((performance.now() - startMs) / 1_000)
}

/** Keeps and opens one answer in each of the ways there are. */
async function codecs(text: string, seconds: number): Promise<Figures> {
  const keeper = createKeeper(readCacheKeys(`k1:${randomBytes(32).toString('base64')}`))
  const ways = {
    Plain: { compressOverBytes: null, encrypt: false },
    Brotli: { compressOverBytes: 0, encrypt: false },
    Encrypted: { compressOverBytes: null, encrypt: true },
    BrotliEncrypted: { compressOverBytes: 0, encrypt: true },
  }
  const rivals = []
  const bytes: Record<string, number> = {}
  for (const [name, way] of Object.entries(ways)) {
    const kept = await keeper.keepAnswer(text, 'here', way)
    bytes[`kept${name}Bytes`] = kept.length
    rivals.push({ name: `keep${name}PerSecond`, work: () => keeper.keepAnswer(text, 'here', way) })
    rivals.push({ name: `open${name}PerSecond`, work: () => keeper.openAnswer(kept, 'here') })
  }
  const rates = await compare(rivals, { lanes: CODEC_LANES, seconds, rounds: 1 })
  const rounded = Object.entries(rates).map(([name, rate]) => [name, round(rate, 0)])
  return { ...bytes, ...Object.fromEntries(rounded) }
}

/** Four processes that ask the same questions at the same time. */
async function together(how: 'shared' | 'own', env: NodeJS.ProcessEnv): Promise<Figures> {
  const children = Array.from({ length: PROCESSES }, (_, i) =>
    child('cache-child.js', [how, String(i)], env),
  )
  const asked: Asked[] = await Promise.all(
    children.map(async (one) => AskedSchema.parse((await once(one, 'message'))[0])),
  )
  const times = asked.flatMap(({ ms }) => ms).sort((a, b) => a - b)
  return {
    [`${how}Requests`]: times.length,
    [`${how}ProviderCalls`]: asked.reduce((sum, { calls }) => sum + calls, 0),
    [`${how}P50Ms`]: round(times[Math.floor(times.length * 0.5)] ?? 0, 1),
    [`${how}P95Ms`]: round(times[Math.floor(times.length * 0.95)] ?? 0, 1),
  }
}

/** Cached answers through the client beside plain GETs of the same size, and what answering from a cache spares. */
export const bench: Bench = async ({ seconds, note }) => {
  const home = await startWorkerHome({ concurrency: LANES, latencyMs: SLOW_MS }, note)
  const { worker, env, redisUrl } = home
  const client = createClient({ redisUrl })
  const plain = new Redis(redisUrl)
  const pipelined = new Redis(redisUrl, { enableAutoPipelining: true })
  try {
    const hit = request('Explain recursion, at length')
    await client.run(hit)
    const [name = ''] = await plain.keys(`${slotKeys('{bursar}').cached('')}*`)
    const kept = (await plain.get(name)) ?? ''
    await plain.set('bench:same', kept)
    note(`${LANES} lanes, answers of ${kept.length} bytes, ${seconds} s each in ${ROUNDS} turns`)
    const rivals = [
      { name: 'plain', work: () => plain.get('bench:same') },
      { name: 'cached', work: () => client.run(hit) },
      { name: 'pipelined', work: () => pipelined.get('bench:same') },
    ]
    const how = { lanes: LANES, seconds, rounds: ROUNDS }
    const beside = await compareTurns(rivals, how)
    // A hit needs no worker; the one that writes rows to the ledger is another machine's work.
    worker.kill('SIGSTOP')
    const alone = await compareTurns(rivals, how)
    const least = { lanes: LANES, seconds: seconds / COST_PART }
    const hitCosts = await costsOf(() => client.run(hit), pipelined, least)
    const getCosts = await costsOf(() => plain.get('bench:same'), pipelined, least)
    worker.kill('SIGCONT')
    note('answers at hand, and the ways to keep one')
    const near = nearPerSecond(kept, seconds / 3)
    const ways = await codecs(kept.repeat(2), seconds)
    note(`${PROCESSES} processes over one Redis, and each with a memory of its own`)
    const shared = await together('shared', env)
    const own = await together('own', env)
    const { plain: gets = 0, cached = 0, pipelined: many = 0 } = alone.rates
    return {
      lanes: LANES,
      answerBytes: kept.length,
      cachedPerSecond: round(cached, 0),
      plainGetsPerSecond: round(gets, 0),
      pipelinedGetsPerSecond: round(many, 0),
      cachedToPlainGets: round(alone.ratio('cached', 'plain')),
      cachedToPlainGetsBesideLedger: round(beside.ratio('cached', 'plain')),
      cachedToPipelinedGets: round(alone.ratio('cached', 'pipelined')),
      clientMicrosPerHit: hitCosts.here,
      clientMicrosPerPlainGet: getCosts.here,
      redisMicrosPerHit: hitCosts.redis,
      redisMicrosPerPlainGet: getCosts.redis,
      nearHitsPerSecond: round(near, 0),
      ...ways,
      ...shared,
      ...own,
    }
  } finally {
    await client.close()
    plain.disconnect()
    pipelined.disconnect()
    await home.stop()
  }
}

/** What a provider takes at least, so that not asking it shows. */
const SLOW_MS = 50
