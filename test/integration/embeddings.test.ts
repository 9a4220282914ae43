import { afterAll, beforeAll, expect, it } from 'vitest'
import { tenantHash } from '../../src/cache/walls.ts'
import { report } from '../../src/ledger/queries/report.ts'
import { POLICY, type Rig, startRig } from './queue-rig.ts'

const MODEL = 'text-embedding-3-small'

let rig: Rig
beforeAll(async () => {
  rig = await startRig({
    policy: POLICY.replace('basic:   {', `basic:   { models: ['${MODEL}'],`),
  })
})
afterAll(() => rig.close())

/** Texts of their own: no test knows another one's. */
const textsOf = (name: string, count: number) =>
  Array.from({ length: count }, (_, at) => `${name} text ${at} of many`)

const embed = (input: string | string[] | number[][], more: object = {}) =>
  rig.client.run({ user: 'u1', model: MODEL, input, ...more })

const vectorsOf = (response: { data: { embedding: unknown }[] }) =>
  response.data.map(({ embedding }) => embedding)

const asked = () => rig.tap.calls.map(({ text }) => text as unknown as readonly string[] | string)

it('a batch of 100 with 60 known pays for 40, and answers as if it had asked for all', async () => {
  const texts = textsOf('hundred', 100)
  const { receipt: first } = await embed(texts.slice(0, 60))
  const calls = rig.tap.calls.length
  const mixed = texts.toReversed()
  const { response, receipt } = await embed(mixed)
  expect(asked().slice(calls)).toEqual([mixed.slice(0, 40)])
  expect(receipt).toMatchObject({ cache: 'miss', texts: { known: 60, paid: 40 } })
  const whole = await embed(mixed, { cache: false })
  expect(vectorsOf(response)).toEqual(vectorsOf(whole.response))
  expect(response.data.map(({ index }) => index)).toEqual(mixed.map((_, at) => at))
  expect(receipt.costNano + first.costNano).toBe(whole.receipt.costNano)
  expect(response.usage.prompt_tokens).toBe(receipt.usage?.inputTokens)
})

it('texts that are all known cost nothing, whatever batches they came in, also in the other form', async () => {
  const texts = textsOf('known', 6)
  await embed(texts.slice(0, 4))
  await embed(texts.slice(2))
  const calls = rig.tap.calls.length
  const { response, receipt } = await embed(texts)
  const encoded = await embed([...texts, texts[0] ?? ''], { encoding_format: 'base64' })
  expect(rig.tap.calls).toHaveLength(calls)
  expect(receipt).toMatchObject({ cache: 'hit', costNano: 0, texts: { known: 6, paid: 0 } })
  expect(response.usage).toEqual({ prompt_tokens: 0, total_tokens: 0 })
  const decoded = vectorsOf(encoded.response).map((text) =>
    Array.from(new Float32Array(new Uint8Array(Buffer.from(String(text), 'base64')).buffer)),
  )
  expect(decoded.slice(0, 6)).toEqual(vectorsOf(response))
  expect(decoded[6]).toEqual(decoded[0])
})

it('equal texts within a batch are asked for once; tokens are texts, too', async () => {
  const calls = rig.tap.calls.length
  const { response } = await embed(['twin a', 'twin b', 'twin a'])
  expect(asked().slice(calls)).toEqual([['twin a', 'twin b']])
  const [one, , again] = vectorsOf(response)
  expect(again).toEqual(one)
  const tokens = [[1, 2, 3]]
  await embed(tokens)
  const { receipt } = await embed([...tokens, [1, 2, 4]])
  expect(receipt.texts).toEqual({ known: 1, paid: 1 })
})

it('dimensions, tenants and private users are walls', async () => {
  const texts = textsOf('walls', 2)
  await embed(texts)
  for (const more of [{ dimensions: 64 }, { tenant: 'globex' }, { cache: { share: 'user' } }]) {
    const { receipt } = await embed([...texts, 'walls own'], more)
    expect(receipt.texts).toEqual({ known: 0, paid: 3 })
  }
})

it('vectors of another length than those that are known: everything is asked for anew', async () => {
  const texts = textsOf('changed', 3)
  await embed(texts.slice(0, 2))
  const { vectors } = rig.runtime
  const keys = new Set<string>()
  const find = vectors.find
  // What is kept is of a model that has changed since, behind its name.
  const short = Buffer.from(Float32Array.from([1, 2]).buffer).toString('base64')
  Object.assign(vectors, {
    find: async (wanted: readonly string[]) => {
      const found = await find(wanted)
      const changed = [...found].map(([key, kept]) => [key, { ...kept, vector: short }] as const)
      for (const [key] of changed) keys.add(key)
      return new Map(changed)
    },
  })
  try {
    const { response, receipt } = await embed(texts)
    expect(keys.size).toBe(2)
    expect(receipt).toMatchObject({ attempts: 2, texts: { known: 0, paid: 3 } })
    expect(
      new Set(vectorsOf(response).map((vector) => String(vector).split(',').length)).size,
    ).toBe(1)
  } finally {
    Object.assign(vectors, { find })
  }
})

it('vectors are counted and cleared by whose they are, and what is cleared is asked for again', async () => {
  const texts = textsOf('cleared', 3)
  await embed(texts, { tenant: 'leaver' })
  await embed([...texts, 'leaver own'], { tenant: 'leaver', cache: { share: 'user' } })
  const { vectorStore } = rig.runtime
  const all = await vectorStore.count('')
  expect(await vectorStore.count(tenantHash('leaver'))).toBe(7)
  expect(await vectorStore.clear(tenantHash('leaver'))).toBe(7)
  expect(await vectorStore.count('')).toBe(all - 7)
  const { receipt } = await embed(texts.toReversed(), { tenant: 'leaver' })
  expect(receipt.texts).toEqual({ known: 0, paid: 3 })
})

it('what was known is on record as saved, by tenant', async () => {
  const texts = textsOf('saved', 10)
  const tenant = 'saver'
  const { receipt: first } = await embed(texts, { tenant })
  await embed([...texts.slice(0, 5), 'saved more'], { tenant })
  await embed(texts.toReversed(), { tenant })
  await rig.drain()
  const { rows } = await report(rig.runtime.ledger, { groupBy: 'tenant' })
  const { savedNano } = rows.find(({ group }) => group === tenant) ?? {}
  expect(savedNano).toMatchObject({ cached: 0, joined: 0 })
  const share = Math.abs((savedNano?.embeddings ?? 0) / first.costNano - 1.5)
  expect(share).toBeLessThan(0.05)
})
