import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createCodec } from '../../src/cache/codec/codec.ts'
import { readCacheKeys } from '../../src/cache/codec/keys.ts'
import { memoryVectorStore } from '../../src/cache/embeddings/memory-store.ts'
import { textsOf, vectorKeys } from '../../src/cache/embeddings/texts.ts'
import { createVectorCache } from '../../src/cache/embeddings/vector-cache.ts'
import { dimensionsOf, numbersOf, readVector } from '../../src/cache/embeddings/vectors.ts'
import { wallOf } from '../../src/cache/walls.ts'
import { createLogger } from '../../src/telemetry/logger.ts'

const acme = { tenant: 'acme', user: 'ada' }
const embedder = {
  wall: wallOf('tenant', acme),
  prefix: '',
  provider: 'openai',
  model: 'text-embedding-3-small',
  body: { model: 'x', input: 'x' },
}

test('every form of input that OpenAI knows is a list of texts, and nothing else is', () => {
  expect(textsOf('a')).toEqual(['a'])
  expect(textsOf(['a', 'b'])).toEqual(['a', 'b'])
  expect(textsOf([1, 2])).toEqual([[1, 2]])
  expect(textsOf([[1], 'a'])).toEqual([[1], 'a'])
  for (const none of [undefined, 7, {}, [], [{}], [[]], [['a']], [1, 'a']]) {
    expect(textsOf(none)).toBeNull()
  }
})

test('vectors are told apart by wall, provider, model, dimensions and text, and by nothing else', () => {
  const [key] = vectorKeys(['a'], embedder)
  const same = [
    {
      ...embedder,
      body: { encoding_format: 'base64', input: ['z', 'a'], user: 'u', dimensions: null },
    },
  ]
  for (const one of same) expect(vectorKeys(['a'], one)).toEqual([key])
  const others = [
    { ...embedder, wall: wallOf('user', acme) },
    { ...embedder, wall: wallOf('shared', acme) },
    { ...embedder, wall: wallOf('tenant', { ...acme, tenant: 'globex' }) },
    { ...embedder, prefix: 'v2' },
    { ...embedder, provider: 'azure' },
    { ...embedder, model: 'text-embedding-3-large' },
    { ...embedder, body: { dimensions: 256 } },
    { ...embedder, body: { of_a_later_version: 1 } },
  ]
  const keys = [
    ...others.flatMap((one) => vectorKeys(['a'], one)),
    ...vectorKeys(['b', [97], '97'], embedder),
  ]
  // Of the hashes alone: what a wall is called is too short to keep strangers apart.
  const hashes = [...keys, key ?? ''].map((one) => one.slice(one.indexOf(':')))
  expect(new Set(hashes).size).toBe(others.length + 4)
})

test('a vector says the same in numbers and in base64, to the bit', () => {
  const law = fc.property(
    fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 40 }),
    (numbers) => {
      const vector = readVector(numbers) ?? ''
      expect(numbersOf(vector)).toEqual(numbers)
      expect(dimensionsOf(vector)).toBe(numbers.length)
      expect(readVector(vector)).toBe(vector)
    },
  )
  fc.assert(law)
  for (const none of ['', 'AAA=', 'nonsense!', 'AAAAAAA=', [], ['a'], [Number.NaN], null, {}]) {
    expect(readVector(none)).toBeNull()
  }
})

function cacheOver(store = memoryVectorStore()) {
  const logger = createLogger({ level: 'silent', name: 'test' })
  return createVectorCache({ store, codec: createCodec(null), logger })
}
const kept = { ttlMs: 60_000, encrypt: false }
const one = { vector: readVector([0.5, -2]) ?? '', costNano: 17 }

test('what is kept is found, and only that', async () => {
  const cache = cacheOver()
  await cache.keep(new Map([['w:1', one]]), kept)
  expect(await cache.find(['w:0', 'w:1'])).toEqual(new Map([['w:1', one]]))
  await cache.drop(['w:1'])
  expect((await cache.find(['w:1'])).size).toBe(0)
})

test('whatever is damaged is unknown, and never another vector', async () => {
  const store = memoryVectorStore()
  const cache = cacheOver(store)
  await cache.keep(new Map([['w:1', one]]), kept)
  const [text = ''] = (await store.get(['w:1'])).map((found) => found ?? '')
  const law = fc.asyncProperty(fc.nat(text.length - 1), fc.nat(255), async (at, code) => {
    const damaged = `${text.slice(0, at)}${String.fromCharCode(code)}${text.slice(at + 1)}`
    await store.put(
      new Map([
        ['w:1', damaged],
        ['w:2', text.slice(0, at)],
      ]),
      60_000,
    )
    const found = await cache.find(['w:1', 'w:2'])
    expect(found).toEqual(damaged === text ? new Map([['w:1', one]]) : new Map())
  })
  await fc.assert(law)
})

test('where answers are encrypted, vectors are, and open at their own key alone', async () => {
  const store = memoryVectorStore()
  const keys = readCacheKeys(`k1:${randomBytes(32).toString('base64')}`)
  const logger = createLogger({ level: 'silent', name: 'test' })
  const cache = createVectorCache({ store, codec: createCodec(keys), logger })
  await cache.keep(new Map([['w:1', one]]), { ...kept, encrypt: true })
  const [text = ''] = (await store.get(['w:1'])).map((found) => found ?? '')
  expect(text).not.toContain(one.vector)
  await store.put(new Map([['w:2', text]]), 60_000)
  expect(await cache.find(['w:1', 'w:2'])).toEqual(new Map([['w:1', one]]))
  expect((await cacheOver(store).find(['w:1'])).size).toBe(0)
})

test('a store that does not answer knows nothing, and loses nothing but money', async () => {
  const away = { ...memoryVectorStore(), get: () => Promise.reject(new Error('away')) }
  const cache = cacheOver({ ...away, put: away.get, drop: away.get })
  await cache.keep(new Map([['w:1', one]]), kept)
  expect((await cache.find(['w:1'])).size).toBe(0)
})

test('vectors are counted and cleared by how their keys begin', async () => {
  const store = memoryVectorStore()
  await store.put(new Map(['t1:a', 't1.u1:b', 't2:c'].map((key) => [key, 'x'])), 60_000)
  expect(await store.count('')).toBe(3)
  expect(await store.clear('t1')).toBe(2)
  expect(await store.get(['t1:a', 't1.u1:b', 't2:c'])).toEqual([null, null, 'x'])
})
