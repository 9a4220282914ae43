import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { slotKeys } from '../../src/admission/keys.ts'
import { createClient } from '../../src/client/index.ts'
import { ask, POLICY, type Rig, startRig, until } from '../integration/queue-rig.ts'

const secret = () => randomBytes(32).toString('base64')
const KEYS = { old: `k1:${secret()}`, fresh: `k2:${secret()}`, wrong: `k1:${secret()}` }
const ENCRYPTED = POLICY.replace(
  'responses: { ttl: 1h }',
  'responses: { ttl: 1h, compress_over: 64B, encrypt: true }',
)

let plain: Rig
let closed: Rig
let redis: Redis
beforeAll(async () => {
  redis = new Redis(inject('redisUrl'))
  const env = { BURSAR_CACHE_KEYS: KEYS.old }
  ;[plain, closed] = await Promise.all([startRig(), startRig({ policy: ENCRYPTED, env })])
})
afterAll(async () => {
  await Promise.all([plain.close(), closed.close()])
  await redis.quit()
})

const question = (content: string) => ask(content, { cache: true })
const namesOf = async ({ options }: Rig) => {
  const { prefix } = slotKeys(options.BURSAR_PREFIX)
  return (await redis.keys(`${prefix.replaceAll(/[{}]/g, '?')}:cache:*`)).sort()
}
/** Asks something new. @returns where its answer is kept, and the answer. */
async function keep(rig: Rig, content: string) {
  const before = await namesOf(rig)
  const { text } = await rig.client.run(question(content))
  const after = await namesOf(rig)
  const [name = ''] = after.filter((known) => !before.includes(known))
  return { name, text }
}
const unreadable = async ({ runtime }: Rig): Promise<number> => {
  const { values } = await runtime.metrics.unreadable.get()
  return values.reduce((sum, { value }) => sum + value, 0)
}

const harm = fc.record({
  at: fc.nat(),
  how: fc.constantFrom('cut', 'flip', 'drop', 'zero', 'older', 'empty'),
  bit: fc.integer({ min: 0, max: 7 }),
})

function spoil(
  kept: Buffer,
  { at, how, bit }: typeof harm extends fc.Arbitrary<infer H> ? H : never,
) {
  const place = at % kept.length
  const copy = Buffer.from(kept)
  switch (how) {
    case 'cut':
      return copy.subarray(0, place)
    case 'flip':
      copy.writeUInt8(copy.readUInt8(place) ^ (1 << bit), place)
      return copy
    case 'drop':
      return Buffer.concat([copy.subarray(0, place), copy.subarray(place + 1)])
    case 'zero':
      return copy.fill(0, place)
    case 'older':
      return Buffer.from(`${Date.now() + 60_000}\n{"model":"m","provider":"p","response":{}}`)
    case 'empty':
      return Buffer.alloc(0)
  }
}

test.each([
  ['plain', () => plain],
  ['compressed and encrypted', () => closed],
])(
  'answers that are %s and damaged in any way are asked anew: never an error, never another answer',
  async (way, rigOf) => {
    const rig = rigOf()
    const { name, text } = await keep(rig, `what is harmed, ${way}?`)
    const kept = await redis.getBuffer(name)
    if (!kept) throw new Error('nothing was kept')
    expect(kept.includes(text.slice(0, 20))).toBe(way === 'plain')
    const before = await unreadable(rig)
    const runs = 25
    await fc.assert(
      fc.asyncProperty(harm, async (one) => {
        await redis.set(name, spoil(kept, one), 'PX', 3_600_000)
        const calls = rig.tap.calls.length
        // A client of its own has nothing at hand.
        const client = rig.newClient()
        const { text: again, receipt } = await client.run(question(`what is harmed, ${way}?`))
        expect([again, receipt.cache, rig.tap.calls.length]).toEqual([text, 'miss', calls + 1])
        expect((await rig.client.run(question(`what is harmed, ${way}?`))).receipt.cache).toBe(
          'hit',
        )
      }),
      { numRuns: runs },
    )
    expect(await unreadable(rig)).toBe(before + runs)
  },
  120_000,
)

test('answers that Redis lost, or that lie under another key, are asked anew', async () => {
  const { name } = await keep(plain, 'who is lost?')
  const { name: other } = await keep(plain, 'who is swapped?')
  await redis.del(name)
  expect((await plain.client.run(question('who is lost?'))).receipt.cache).toBe('miss')
  await redis.copy(name, other, 'REPLACE')
  const { text, receipt } = await plain.client.run(question('who is swapped?'))
  expect(receipt.cache).toBe('miss')
  expect(text).not.toBe((await plain.client.run(question('who is lost?'))).text)
})

test('a rotated key still opens what it closed; a wrong or missing one is a miss at intake', async () => {
  await keep(closed, 'who has the key?')
  const { REDIS_URL: redisUrl = '', BURSAR_PREFIX, BURSAR_QUEUE_PREFIX } = closed.options
  const calls = closed.tap.calls.length
  const askWith = async (keys: string) => {
    process.env.BURSAR_CACHE_KEYS = keys
    const way = { redisUrl, prefix: BURSAR_PREFIX, queuePrefix: BURSAR_QUEUE_PREFIX }
    const client = createClient(way)
    delete process.env.BURSAR_CACHE_KEYS
    try {
      return await client.run(question('who has the key?'))
    } finally {
      await client.close()
    }
  }
  const jobs = async () => (await closed.runtime.queues.interactive.getJobCounts()).completed ?? 0
  const before = await jobs()
  const answers = [await askWith(`${KEYS.fresh},${KEYS.old}`)]
  expect(await jobs()).toBe(before)
  for (const keys of [KEYS.wrong, KEYS.fresh, '']) answers.push(await askWith(keys))
  // The worker has the key: it opens what they cannot, and no provider is asked.
  await until(async () => (await jobs()) > before)
  expect(answers.map(({ receipt }) => receipt.cache)).toEqual(['hit', 'hit', 'hit', 'hit'])
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(closed.tap.calls.length).toBe(calls)
})

test('a worker whose key is another one asks anew, and replaces what it cannot open', async () => {
  const { name } = await keep(closed, 'who changed the lock?')
  const kept = await redis.get(name)
  // As one of another key would have written it, whole and sealed for a place of its own.
  const { name: foreign } = await keep(closed, 'what is foreign?')
  await redis.copy(foreign, name, 'REPLACE')
  const { receipt } = await closed.client.run(question('who changed the lock?'))
  expect(receipt.cache).toBe('miss')
  expect(await redis.get(name)).not.toBe(kept)
  expect((await closed.client.run(question('who changed the lock?'))).receipt.cache).toBe('hit')
})

test('streams of kept answers are streams, however they are kept', async () => {
  for (const rig of [plain, closed]) {
    for (const body of [
      question('stream of it?'),
      {
        ...question('and of it?'),
        operation: 'responses' as const,
        messages: undefined,
        input: 'and of it?',
      },
    ]) {
      const first = await rig.client.run(body)
      const stream = rig.client.stream(body)
      let text = ''
      for await (const part of stream) text += part.text
      const { receipt } = await stream.final
      expect([receipt.cache, text]).toEqual(['hit', first.text])
    }
  }
})

test('without BURSAR_CACHE_KEYS nothing starts that should encrypt, and it says what to do', async () => {
  await expect(startRig({ policy: ENCRYPTED })).rejects.toMatchObject({
    code: 'INVALID_OPTIONS',
    message: expect.stringContaining('openssl rand -base64 32'),
  })
})
