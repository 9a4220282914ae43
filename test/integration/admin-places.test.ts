import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { bursar } from './cli-harness.ts'
import { type GatewayRig, startGatewayRig } from './gateway-rig.ts'
import { isEmbedded, POLICY, until } from './queue-rig.ts'

/** A tier whose hour pays for some of the work, and that has no cheaper model. */
const SMALL = POLICY.replace(
  'budget: { usd: "50", per: hour }, ladder: standard',
  'budget: { usd: "0.05", per: hour }, ladder: alone',
).replace('ladders:', 'ladders:\n  alone: [ { model: gpt-6-astra } ]')
const ask = (text: string) => [{ role: 'user' as const, content: text }]

let folder: string
let bill: string
let socketPath: string
let rig: GatewayRig

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-places-'))
  bill = join(folder, 'bill.jsonl')
  socketPath = join(folder, 'the.sock')
  rig = await startGatewayRig({ policy: SMALL, sandbox: { bill } }, { socketPath })
  for (const text of ['one', 'two']) {
    await rig.client.run({ user: 'rich', model: 'auto', messages: ask(text) })
  }
  for (const text of ['a', 'b', 'c', 'd', 'e', 'f']) {
    await rig.client.enqueue({
      ...{ user: 'poor', model: 'auto', urgency: 'deferrable' as const },
      ...{ max_tokens: 1_000, messages: ask(text) },
    })
  }
  const { batch } = rig.runtime.queues
  await until(async () => {
    const { waiting, active, prioritized, delayed } = await batch.getJobCounts()
    return waiting === 0 && active === 0 && prioritized === 0 && (delayed ?? 0) > 0
  })
  await rig.drain()
})
afterAll(async () => {
  await rig?.close()
  await rm(folder, { recursive: true, force: true })
})

/** The same words in this process, over a port and over a socket; a data folder is open to its own process alone. */
async function everywhere(...words: string[]) {
  const socket = { BURSAR_URL: `unix:${socketPath}` }
  const [first, ...others] = [...(isEmbedded ? [] : [rig.env]), socket, { BURSAR_URL: rig.url }]
  const ran = await bursar(words, first)
  for (const env of others) expect(await bursar(words, env)).toEqual(ran)
  return ran
}

describe('every place prints the same', () => {
  test('report, as tables, JSON and CSV', async () => {
    expect((await everywhere('report')).stdout).toContain('SPEND BY TIER')
    const { stdout } = await everywhere('report', '--by', 'user', '--from', '2020-01-01', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ by: 'user', from: '2020-01-01T00:00:00.000Z' })
    expect((await everywhere('report', '--csv')).stdout).toMatch(/^tier,answered,/)
  })

  test('verify, also with a bill, which is read where the command runs', async () => {
    expect((await everywhere('verify')).stdout).toMatch(/everything agrees\n$/)
    const ran = await everywhere('verify', '--bill', bill, '--json')
    const calls = (await readFile(bill, 'utf8')).trim().split('\n').length
    expect(JSON.parse(ran.stdout)).toMatchObject({ ok: true, bill: { calls, equal: calls } })
    expect(JSON.parse(ran.stdout).bill).not.toHaveProperty('unbilled')
  })

  test('verify names what a bill lacks, and what it has twice or nobody asked for', async () => {
    const [first = '', second = '', ...rest] = (await readFile(bill, 'utf8')).trim().split('\n')
    const Line = z.looseObject({ id: z.string(), nano: z.int() })
    const ungoverned = { ...Line.parse(JSON.parse(second)), id: 'strange', attempt: '' }
    const forged = join(folder, 'forged.jsonl')
    await writeFile(forged, [second, second, JSON.stringify(ungoverned), ...rest].join('\n'))
    const { code, stdout } = await everywhere('verify', '--bill', forged, '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout).counts).toEqual({
      ...{ 'bill-unnamed': 1, 'bill-doubled': 1, 'below-bill': 1, 'not-billed': 1 },
    })
    expect(JSON.parse(first)).toHaveProperty('attempt')
  })

  test('parked, in full, in part and as JSON', async () => {
    const { stdout } = await everywhere('parked', '--json')
    const { jobs, total } = JSON.parse(stdout)
    expect(total.jobs).toBe(jobs.length)
    expect(total.jobs).toBeGreaterThan(1)
    expect(jobs[0]).toMatchObject({
      ...{ queue: 'batch', user: 'poor', tenant: 'default', tier: 'basic', model: 'auto' },
      why: { by: 'budget', what: expect.stringMatching(/^tier\.basic\/default\/poor:/) },
    })
    expect(jobs[0].mostNano).toBeGreaterThan(0)
    expect((await everywhere('parked', '--limit', '1')).stdout).toContain('more: use --limit')
  })
})

test('a gateway that is not there is a typed error', async () => {
  const { code, stderr } = await bursar(['report'], { BURSAR_URL: 'http://127.0.0.1:1' })
  expect(code).toBe(1)
  expect(stderr).toContain('error GATEWAY_UNAVAILABLE')
})

describe('the routes', () => {
  test('refuse what is no question, with each mistake named', async () => {
    const { status, body } = await rig.post('/v1/admin/parked', { limit: -1, colour: 'red' })
    expect(status).toBe(400)
    expect(body.error).toMatchObject({ code: 'INVALID_REQUEST' })
    expect(body.error.message).toMatch(/limit|colour/)
  })

  test('answer nobody who comes under another name than this machine has', async () => {
    const port = Number(new URL(rig.url).port)
    const status = await new Promise((resolve, reject) => {
      const headers = { host: 'evil.example', 'content-type': 'application/json' }
      httpRequest({ port, method: 'POST', path: '/v1/admin/report', headers })
        .once('response', (response) => resolve(response.resume().statusCode))
        .once('error', reject)
        .end('{}')
    })
    expect(status).toBe(401)
  })
})

test('an attempt that failed and waits for its next one is not taken for a parked one', async () => {
  const { batch } = rig.runtime.queues
  const [job] = await batch.getJobs('delayed', 0, 0, true)
  if (!job) throw new Error('nothing is parked')
  const { readParkNote } = await import('../../src/queue/park-note.ts')
  expect(readParkNote(job)).toMatchObject({ by: 'budget', made: 0 })
  expect(readParkNote({ progress: job.progress, attemptsMade: 1 })).toBeNull()
  expect(readParkNote({ progress: 0, attemptsMade: 0 })).toBeNull()
})
