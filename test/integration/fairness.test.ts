import { afterEach, expect, it } from 'vitest'
import { LATE_UNITS } from '../../src/admission/model/fair.ts'
import { POLICY, type Rig, startRig, until } from './queue-rig.ts'

let rig: Rig
afterEach(() => rig.close())

const ONE_LANE = { WORKER_CONCURRENCY: '1' }
const WEIGHTED = POLICY.replace('premium: {', 'premium: { weight: 3,')

const ask = (tenant: string, name: string, more: object = {}) => ({
  ...{ tenant, user: 'rich', model: 'auto', cache: false, jobId: `${tenant}-job-${name}` },
  messages: [{ role: 'user' as const, content: `question ${name}` }],
  ...more,
})

type Jobs = readonly ReturnType<typeof ask>[]

/** Hands jobs in, those of one tenant after the other's, before anybody takes one. @returns whom they served, in order. */
async function order(first: Jobs, second: Jobs): Promise<string[]> {
  const jobs = [...first, ...second]
  for (const some of [first, second]) await Promise.all(some.map((job) => rig.client.enqueue(job)))
  await rig.startWorkers()
  await Promise.all(jobs.map(({ jobId }) => rig.client.result(jobId)))
  return rig.tap.calls.map(({ attempt }) => attempt?.split('-job-')[0] ?? '')
}

const many = (tenant: string, count: number, more?: object) =>
  Array.from({ length: count }, (_, i) => ask(tenant, String(i), more))

it('a tenant with three jobs is not behind the thirty that another handed in before', async () => {
  rig = await startRig({ workers: false, env: ONE_LANE })
  const served = await order(many('large', 30), many('small', 3))
  expect(served.lastIndexOf('small')).toBeLessThanOrEqual(8)
})

it('a tier of weight 3 is served three times as often as one of weight 1', async () => {
  rig = await startRig({ workers: false, env: ONE_LANE, policy: WEIGHTED })
  const plain = many('plain', 20, { tier: 'basic' })
  const served = await order(plain, many('favoured', 20, { tier: 'premium' }))
  const early = served.slice(0, 20).filter((tenant) => tenant === 'favoured')
  expect(early.length).toBeGreaterThanOrEqual(13)
  expect(early.length).toBeLessThanOrEqual(17)
})

it('a job that comes back long after its turn waits for a new one, and uses no attempt for it', async () => {
  rig = await startRig({ env: ONE_LANE })
  const { client, tap, runtime } = rig
  const { interactive } = runtime.queues
  tap.decide = () => ({ fault: '429-retry-after', retryAfterMs: 20_000 })
  // As cheap as the others, so that each of them is a turn.
  const cheap = { model: 'gpt-6-astra', pinned: true, max_completion_tokens: 16 }
  const { jobId } = await client.enqueue(ask('parked', '1', cheap))
  await until(async () => (await interactive.getDelayedCount()) === 1)
  const parked = await interactive.getJob(jobId)
  tap.decide = () => undefined
  await Promise.all(
    many('busy', LATE_UNITS + 10, { model: 'gpt-6-luna' }).map((job) => client.run(job)),
  )
  const started = parked?.attemptsStarted ?? 0
  await parked?.promote()
  // Taken for its new turn, and once more when that has come: the model is paused still.
  await until(async () => ((await interactive.getJob(jobId))?.attemptsStarted ?? 0) >= started + 2)
  await until(async () => (await interactive.getDelayedCount()) === 1)
  const again = await interactive.getJob(jobId)
  expect(again?.priority).toBeGreaterThan(parked?.priority ?? 0)
  expect(again?.attemptsMade).toBe(parked?.attemptsMade)
})
