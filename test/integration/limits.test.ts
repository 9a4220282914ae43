import { readFile } from 'node:fs/promises'
import { afterEach, expect, it } from 'vitest'
import { type Sandbox, startSandbox } from '../../sandbox/server.ts'
import { isBursarError } from '../../src/errors.ts'
import { POLICY, type Rig, type RigOptions, startRig, until } from './queue-rig.ts'

let rig: Rig
const start = async (options?: RigOptions) => {
  rig = await startRig(options)
  return rig
}
/** One that this account has limits at; closed after what calls it. */
let provider: Sandbox | null = null
afterEach(async () => {
  await rig.close()
  await provider?.close()
  provider = null
})

const ask = (content: string, more: object = {}) => ({
  user: 'rich',
  model: 'auto',
  messages: [{ role: 'user' as const, content }],
  ...more,
})

/** The policy with one limit. */
const limited = (limit: string) => POLICY.replace('ladders:', `limits:\n  - ${limit}\nladders:`)

const refusalOf = (running: Promise<unknown>) =>
  running.then(
    () => null,
    (error: unknown) => (isBursarError(error) ? error : null),
  )

it('the shipped policy refuses the eleventh request of a free user within an hour', async () => {
  const shipped = await readFile(new URL('../../bursar.yaml', import.meta.url), 'utf8')
  const { client } = await start({ policy: shipped })
  const free = { user: 'pupil', tier: 'free' }
  for (let i = 0; i < 10; i++) {
    // A free user has no money; each of these was let in, counted, and told so.
    const spent = await refusalOf(client.run(ask('what is a fraction?', free)))
    expect(spent?.code).toBe('BUDGET_EXHAUSTED')
  }
  const refusal = await refusalOf(client.run(ask('what is a fraction?', free)))
  expect(refusal).toMatchObject({
    code: 'RATE_LIMITED',
    retryable: true,
    message: expect.stringMatching(/is full, it allows 10 requests an hour: try again in /),
    detail: {
      limit: 'tier.free/default/pupil',
      of: 10,
      remaining: 0,
      says: expect.stringMatching(/^No requests left this hour\. Try again in (1 hour|2 hours)\.$/),
    },
  })
  const { limits } = await client.quota(free)
  expect(limits[0]).toMatchObject({ counts: 'requests', of: 10, remaining: 0, perMs: 3_600_000 })
  expect((await client.quota({ user: 'other', tier: 'free' })).limits[0]).toMatchObject({
    remaining: 10,
    says: '10 requests left this hour',
  })
})

it('hits and joins take nothing where the policy says so, whoever finds them', async () => {
  const policy = limited('{ id: own, scope: user, requests: 2, per: hour, count_cached: false }')
  const { client, tap } = await start({ policy })
  const left = async () => (await client.quota({ user: 'rich' })).limits[0]?.remaining
  let open = () => {}
  const wait = new Promise<void>((resolve) => {
    open = resolve
  })
  tap.decide = () => ({ wait })
  const first = client.run(ask('why is the sky blue?'))
  await tap.arrived(1)
  const second = client.run(ask('why is the sky blue?', { urgency: 'deferrable' }))
  await until(async () => (await left()) === 0)
  open()
  expect((await first).receipt.cache).toBe('miss')
  expect((await second).receipt.cache).toBe('joined')
  expect(await left()).toBe(1)

  const { jobId } = await client.enqueue(ask('why is the sky blue?'))
  expect((await client.result(jobId)).receipt.cache).toBe('hit')
  expect(await left()).toBe(1)
  await client.run(ask('a question of its own'))
  expect(await left()).toBe(0)
  expect((await client.run(ask('why is the sky blue?'))).receipt.cache).toBe('hit')
  expect(await refusalOf(client.run(ask('and another')))).toMatchObject({ code: 'RATE_LIMITED' })
})

it('a limit of a resource counts requests that are for it, and a bypassed user meets none', async () => {
  const policy = limited(
    '{ id: make, scope: user, resource: generation, requests: 1, per: minute }\nbypass: { users: [robot] }',
  )
  const { client } = await start({ policy })
  const make = (user: string) => client.run(ask('draw', { user, resource: 'generation' }))
  await make('u1')
  const refusal = await refusalOf(make('u1'))
  expect(refusal?.detail.says).toMatch(/^No generations left this minute\. Try again in /)
  await client.run(ask('draw', { user: 'u1' }))
  await make('robot')
  await make('robot')
  expect((await client.quota({ user: 'u1', resource: 'generation' })).limits).toMatchObject([
    { limit: 'make/default/u1', remaining: 0, says: 'no generations left this minute' },
  ])
  expect((await client.quota({ user: 'robot', resource: 'generation' })).limits).toEqual([])
})

it('output tokens are held before the call and corrected after it', async () => {
  const policy = limited('{ id: out, scope: user, output_tokens: 3000, per: minute }')
  const { client } = await start({ policy })
  const { receipt } = await client.run(ask('short', { max_completion_tokens: 2_900 }))
  const used = (receipt.usage?.outputTokens ?? 0) + (receipt.usage?.reasoningTokens ?? 0)
  expect(used).toBeGreaterThan(0)
  expect((await client.quota({ user: 'rich' })).limits).toMatchObject([
    { counts: 'output_tokens', remaining: 3_000 - used },
  ])
})

it('what a provider allows is kept to: the next model serves, or work waits, and no 429 is met', async () => {
  provider = await startSandbox({ seed: 3 })
  const { url, stats } = provider
  const policy = POLICY.replace('https://api.openai.com/v1', url)
    .replace(/key: .*/, 'key: of-the-account')
    .replace('profile:', 'limits: { requests_per_minute: 2 }\n    profile:')
  const { client, runtime } = await start({ policy })
  const served = []
  for (let i = 0; i < 6; i++) {
    served.push((await client.run(ask(`${i}?`, { cache: false }))).receipt.modelServed)
  }
  const [astra, sol, luna] = ['gpt-6-astra', 'gpt-6-sol', 'gpt-6-luna']
  expect(served).toEqual([astra, astra, sol, sol, luna, luna])

  // Interactive work would not wait for a whole minute.
  const patient = ask('7?', { cache: false, urgency: 'deferrable' })
  const { jobId } = await client.enqueue(patient)
  const { batch } = runtime.queues
  await until(async () => (await batch.getDelayedCount()) === 1)
  await until(async () => {
    const progress = (await batch.getJob(jobId))?.progress
    return JSON.stringify(progress).includes('provider.openai.requests/gpt-6-')
  })
  expect(stats().billed).toBe(6)
  await client.cancel(jobId)
})

it('the limits of a provider govern nobody while the sandbox answers for it', async () => {
  const policy = POLICY.replace('profile:', 'limits: { requests_per_minute: 1 }\n    profile:')
  const { client } = await start({ policy })
  for (const i of [1, 2, 3]) {
    const { receipt } = await client.run(ask(`${i}?`, { cache: false }))
    expect(receipt.modelServed).toBe('gpt-6-astra')
  }
})

it('RATE_LIMIT_* give a limit to users whose tier has none', async () => {
  const env = { RATE_LIMIT_ENABLED: 'true', RATE_LIMIT_REQUESTS: '2', RATE_LIMIT_WINDOW: '15m' }
  const { client } = await start({ env })
  await client.run(ask('one'))
  await client.run(ask('two'))
  expect(await refusalOf(client.run(ask('three')))).toMatchObject({
    code: 'RATE_LIMITED',
    detail: {
      of: 2,
      perMs: 900_000,
      says: expect.stringMatching(/^No requests left in 15 minutes/),
    },
  })
})

/** How often a job was sent back to wait for a limit. */
async function parkedByLimit(): Promise<number> {
  const { values } = await rig.runtime.metrics.parked.get()
  return values.find(({ labels }) => labels.by === 'limit')?.value ?? 0
}

it('when a lane frees itself, one of those who wait for it comes: hardly a wake is for nothing', async () => {
  const jobs = 30
  const { client } = await start({
    policy: limited('{ id: lanes, scope: tenant, concurrent: 2 }'),
    sandbox: { latencyMs: 60 },
  })
  const ids = Array.from({ length: jobs }, (_, i) =>
    client.run(ask(`lane ${i}`, { urgency: 'deferrable', cache: false })),
  )
  await Promise.all(ids)
  // Each but the first two is sent to wait once; what is more came for nothing.
  expect(await parkedByLimit()).toBeLessThan(jobs + 4)
})

it('what calls held and did not use of a rate lets those go on who wait for it, and nobody else', async () => {
  const jobs = 20
  const bucket = 'algorithm: token-bucket, output_tokens: 30000, burst: 2000, per: minute'
  const { client } = await start({ policy: limited(`{ id: words, scope: tenant, ${bucket} }`) })
  const waits = { urgency: 'deferrable', cache: false }
  const metadata = { sandbox_output_tokens: '20' }
  const began = Date.now()
  const asked = Array.from({ length: jobs }, (_, i) =>
    client.run(ask(`w${i}`, { ...waits, max_completion_tokens: 1_000, metadata })),
  )
  const answers = await Promise.all(asked)
  const tookMs = Date.now() - began
  const used = answers.reduce((sum, { receipt }) => sum + (receipt.usage?.outputTokens ?? 0), 0)
  expect(used).toBeLessThan(2_000 + tookMs * 0.5)
  // The refill alone lets one through every two seconds.
  expect(tookMs).toBeLessThan(((jobs - 2) * 2_000) / 2)
  expect(await parkedByLimit()).toBeLessThan(jobs + 4)
})
