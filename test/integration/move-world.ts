import { randomBytes } from 'node:crypto'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { startSandbox } from '../../sandbox/server.ts'
import type { AdmitCommand } from '../../src/admission/commands.ts'
import type { Client } from '../../src/client/index.ts'
import { readOptions } from '../../src/config/options.ts'
import { JOB_NAME } from '../../src/queue/names.ts'
import { clientOf } from '../../src/runtime/client-of.ts'
import { createRuntime, type Runtime } from '../../src/runtime.ts'
import { startCompletionWorkers } from '../../workers/completions.ts'
import { emptyDatabase } from '../helpers/postgres.ts'
import { freshPrefix } from '../helpers/redis.ts'
import { jobData } from './embedded-job.ts'
import { until } from './queue-rig.ts'

/** `poor` people run out of money at once, and their deferrable work waits for the next day. */
export const movePolicy = (poorUsd: string): string => `
version: 1
timezone: UTC
identity: { default_tenant: default, default_tier: basic, users: { poor: poor } }
defaults: { max_output_tokens: 512, min_output_tokens: 16, attempts: 3, timeout: 5s }
tiers:
  basic: { requests: { limit: 40, per: hour }, budget: { usd: "50", per: hour }, ladder: standard, on_exhausted: park }
  poor:  { budget: { usd: "${poorUsd}", per: day }, ladder: standard, on_exhausted: park }
budgets:
  - { id: company, scope: global, usd: "2000", per: month, alert_at: [50] }
limits:
  - { id: burst, scope: user, algorithm: token-bucket, requests: 600, per: minute, burst: 60 }
  - { id: tpm, scope: tenant, algorithm: sliding-window, tokens: 500000, per: minute }
ladders:
  standard: [ { model: gpt-6-luna } ]
providers:
  openai: { base_url: https://api.openai.com/v1, key: \${OPENAI_API_KEY} }
cache:
  responses: { ttl: 1h }
`

const ASKED = 12
const QUEUED = 5
/** Above what the queue carries itself. */
const LARGE = 'why? '.repeat(4_000)

/** A data folder with history, queued and parked work, as a process that was killed leaves it. */
export interface World {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly sandboxUrl: string
  readonly answered: readonly string[]
  /** Text of each answer that was given before the move. */
  readonly texts: ReadonlyMap<string, string>
  readonly queued: readonly string[]
  /** Waits for the next day's budget, and when that is. */
  readonly parked: string
  readonly parkedUntilMs: number
  /** Waits for a time that has nearly come. */
  readonly soon: string
  readonly cancelled: string
  /** Job of a hold that nobody has settled. */
  readonly held: string
  close(): Promise<void>
}

const ask = (content: string) => ({
  model: 'auto',
  messages: [{ role: 'user' as const, content }],
})

export async function createWorld(): Promise<World> {
  const home = await mkdtemp(join(tmpdir(), 'bursar-move-'))
  const folder = join(home, 'data')
  const policy = join(home, 'bursar.yaml')
  await writeFile(policy, movePolicy('1'))
  const sandbox = await startSandbox({ seed: 7 })
  const env = { BURSAR_POLICY: policy, BURSAR_DATA: folder, LOG_LEVEL: 'silent' }
  const runtime = await openRuntime(env, sandbox.url)
  const client = clientOf(runtime)
  const filled = await fillWorld(runtime, client)
  await client.close()
  await runtime.close()
  const close = async () => {
    await sandbox.close()
    await rm(home, { recursive: true })
  }
  return { folder, env, sandboxUrl: sandbox.url, ...filled, close }
}

export const openRuntime = (env: Readonly<Record<string, string>>, url: string): Promise<Runtime> =>
  createRuntime(readOptions(env), { env, sandbox: { url } })

async function fillWorld(runtime: Runtime, client: Client) {
  const workers = await startCompletionWorkers(runtime)
  const answered = Array.from({ length: ASKED }, (_, n) => `answered-${n}`)
  const texts = new Map<string, string>()
  for (const jobId of answered) {
    await client.enqueue({ ...ask(jobId), jobId, user: `u${jobId.length}` })
    texts.set(jobId, (await client.result(jobId)).text)
  }
  await client.run({ ...ask('the first'), user: 'poor' })
  const held = 'held-by-the-dead'
  await runtime.store.admit(await admitAll(runtime, held))
  const parked = 'parked-for-money'
  await client.enqueue({ ...ask('later'), jobId: parked, user: 'poor', urgency: 'deferrable' })
  const { batch } = runtime.queues
  await until(async () => (await batch.getDelayedCount()) === 1)
  const parkedUntilMs = await wakeTime(runtime, parked)
  await workers.close()

  const queued = Array.from({ length: QUEUED }, (_, n) => `queued-job-${n}`)
  for (const [n, jobId] of queued.entries()) {
    const content = n === 0 ? LARGE : jobId
    await client.enqueue({ ...ask(content), jobId, user: 'u1', urgency: urgencyOf(n) })
  }
  const cancelled = 'cancelled-job'
  await client.enqueue({ ...ask('never mind'), jobId: cancelled, user: 'u1' })
  await client.cancel(cancelled)
  const soon = await addSoon(runtime)
  return { answered, texts, queued, parked, parkedUntilMs, soon, cancelled, held }
}

const urgencyOf = (n: number) => (n % 2 === 0 ? 'interactive' : 'deferrable')

const wakeTime = async ({ ledger }: Runtime, job: string): Promise<number> => {
  const { rows } = await ledger.db.execute(
    `select process_at_ms from bullmq.job where id = '${job}' and state = 'delayed'`,
  )
  const [row] = rows as { process_at_ms: string }[]
  return Number(row?.process_at_ms)
}

/** A job whose retry waits, tried twice before. */
async function addSoon({ queues, store, ledger }: Runtime): Promise<string> {
  const id = 'waits-a-moment'
  const data = { ...jobData(id), body: { messages: ask('soon').messages }, tier: 'basic' }
  await store.intake({ job: id, limits: [], cacheKey: null, meta: '{}', body: null })
  const options = { jobId: id, priority: 1_000, attempts: 3, delay: 60_000 }
  await queues.batch.add(JOB_NAME, data, { ...options, backoff: { type: 'ours' } })
  await ledger.db.execute(
    `update bullmq.job set attempts_made = 2, attempts_started = 4, stalled_count = 1 where id = '${id}'`,
  )
  return id
}

/** Takes all that the poor have left. */
async function admitAll({ store }: Runtime, job: string): Promise<AdmitCommand> {
  const keys = await store.windows()
  const poor = keys.filter((key) => key.startsWith('tier.poor') || key.startsWith('company'))
  const states = (await store.peek(poor)).flatMap((state) => state ?? [])
  const left = states.map(({ limitNano, spentNano }) => limitNano - spentNano)
  const { v: _, body: __, id: ___, model, ...meta } = jobData(job)
  const rungs = [{ model: 'gpt-6-luna', provider: 'openai' }]
  const more = { rungs, inputTokensHeld: 10, priceVersion: 'p', policyVersion: 1 }
  return {
    ...{ attempt: `${job}/1`, job, policy: states[0]?.policy ?? 1, limits: [] },
    windows: states.map((state) => ({ ...state, marks: [50] })),
    rungs: [
      {
        ...{ gate: 'openai:gpt-6-luna', fixedNano: Math.min(...left), outputPico: 0 },
        ...{ capTokens: 10, floorTokens: 1, until: null, inputTokens: 10 },
      },
    ],
    ...{ cacheKey: null, maxTakes: 3, ttlMs: 120_000 },
    meta: JSON.stringify({ ...meta, ...more, modelRequested: model }),
  }
}

/** An empty Redis and an empty database that nobody has migrated, by their addresses. */
export const createTarget = async () => ({
  REDIS_URL: inject('redisUrl'),
  DATABASE_URL: await emptyDatabase(),
  BURSAR_PREFIX: freshPrefix(),
  BURSAR_QUEUE_PREFIX: `{q-${randomBytes(6).toString('hex')}}`,
})
export type TargetEnv = Awaited<ReturnType<typeof createTarget>>

/** The same folder once more, for another move. */
export async function copyFolder({ folder }: Pick<World, 'folder'>): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'bursar-moved-'))
  await cp(folder, copy, { recursive: true })
  return copy
}
