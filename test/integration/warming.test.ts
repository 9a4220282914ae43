import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startJobs } from '../../jobs/runner.ts'
import { warmCache } from '../../jobs/warm-cache.ts'
import { parseUsd } from '../../src/money/usd.ts'
import { bursar } from './cli-harness.ts'
import { POLICY, type Rig, startRig, until } from './queue-rig.ts'

const LIMIT = '0.3'
const CACHE = `responses: { ttl: 24h, encrypt: true }
  warming: { enabled: true, usd: "${LIMIT}", per: year }`

let folder: string
let rig: Rig
/** A question that nobody has asked before. */
let question: string
let asked = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-warming-'))
  const policy = POLICY.replace('responses: { ttl: 1h }', CACHE)
  const BURSAR_CACHE_KEYS = `k1:${Buffer.alloc(32, 7).toString('base64')}`
  rig = await startRig({ policy, env: { BURSAR_CACHE_KEYS } })
})
afterAll(async () => {
  await rig?.close()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(() => {
  asked += 1
  question = `What is number ${asked}?`
})

const request = (content: string, more: object = {}) => ({
  ...{ user: 'ann', model: 'auto', max_tokens: 1_000 },
  messages: [{ role: 'user' as const, content }],
  ...more,
})
const ask = (content = question) => rig.client.run(request(content))
const run = () => warmCache.run(rig.runtime)
const spentIn = async (budget: string) => {
  const keys = (await rig.runtime.store.windows()).filter((key) => key.startsWith(`${budget}:`))
  const states = await rig.runtime.store.peek(keys)
  return states.reduce((sum, state) => sum + (state?.spentNano ?? 0) + (state?.heldNano ?? 0), 0)
}
const keptKeys = async () => {
  const keys: string[] = []
  for await (const page of rig.runtime.answerShelf.keys('*')) keys.push(...page)
  return keys
}
/** As when their time is over. */
const forgetAll = async () => void (await rig.runtime.answerShelf.drop(await keptKeys()))

test('what comes again is asked again before somebody misses it, and no user pays', async () => {
  for (let time = 0; time < 3; time++) await ask()
  await rig.drain()
  expect(await run()).toBeUndefined()
  const [mine, company] = [await spentIn('tier.basic/default/ann'), await spentIn('company')]
  await forgetAll()
  expect(await run()).toEqual({ learned: 1, due: 1, asked: 1 })
  await until(async () => (await keptKeys()).length === 1)
  const calls = rig.tap.calls.length
  expect((await ask()).receipt.cache).not.toBe('none')
  expect(rig.tap.calls.length).toBe(calls)
  expect(await spentIn('tier.basic/default/ann')).toBe(mine)
  expect(await spentIn('cache.warming')).toBeGreaterThan(0)
  expect(await spentIn('company')).toBe(company + (await spentIn('cache.warming')))
  // Neither what was learned nor what warming asked for stands anywhere in words.
  const { commands } = rig.runtime.redis ?? {}
  const [prompt = ''] = (await commands?.keys(`${rig.options.BURSAR_PREFIX}:prompt:*`)) ?? []
  expect(await commands?.get(prompt)).toMatch(/^1b?e\./)
})

test('an operator asks what came again, and what came once is nobody’s to repeat', async () => {
  await ask()
  await rig.drain()
  const before = rig.tap.calls.length
  await forgetAll()
  const learned = await bursar(['cache', 'warm', '--learned', '50', '--json'], rig.env)
  expect(JSON.parse(learned.stdout)).toMatchObject({ warmed: 1, failed: 0 })
  expect(rig.tap.calls.length).toBe(before + 1)
})

test('a file is asked beforehand; what is there already is not paid again', async () => {
  const file = join(folder, 'prompts.jsonl')
  const lines = ['first', 'second', 'first'].map((text) => request(`${question} ${text}`))
  await writeFile(file, `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`)
  const { code, stdout } = await bursar(['cache', 'warm', '--file', file, '--json'], rig.env)
  expect([code, JSON.parse(stdout)]).toEqual([
    0,
    expect.objectContaining({ warmed: 2, already: 1, skipped: 0, failed: 0, why: [] }),
  ])
  const calls = rig.tap.calls.length
  await ask(`${question} second`)
  expect(rig.tap.calls.length).toBe(calls)
  const poor = ['cache', 'warm', '--file', file, '--json', '--budget-usd', '0.000001']
  await forgetAll()
  expect(JSON.parse((await bursar(poor, rig.env)).stdout)).toMatchObject({ skipped: 3, warmed: 0 })
  expect(rig.tap.calls.length).toBe(calls)
  await writeFile(file, 'no request\n')
  expect((await bursar(['cache', 'warm', '--file', file], rig.env)).stderr).toContain('line 1')
})

test('whoever starts may ask at once', async () => {
  for (let time = 0; time < 2; time++) await ask()
  await rig.drain()
  await forgetAll()
  const jobs = startJobs([], rig.runtime, [warmCache])
  await until(async () => (await keptKeys()).length > 0)
  await jobs.close()
})

test('however much there is to warm, it never costs more than its budget', async () => {
  const file = join(folder, 'many.jsonl')
  const many = Array.from({ length: 60 }, (_, n) =>
    request(`${question} ${n}`, { model: 'gpt-6-astra', pinned: true }),
  )
  await writeFile(file, many.map((line) => JSON.stringify(line)).join('\n'))
  const { stdout } = await bursar(['cache', 'warm', '--file', file, '--json'], rig.env)
  const { warmed, failed, why } = JSON.parse(stdout)
  expect(warmed).toBeGreaterThan(0)
  expect(failed).toBeGreaterThan(0)
  expect(warmed + failed).toBe(60)
  expect(why.join()).toContain('cache.warming')
  const spent = await spentIn('cache.warming')
  expect(spent).toBeGreaterThan(0)
  expect(spent).toBeLessThanOrEqual(parseUsd(LIMIT))
})
