import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { inject } from 'vitest'
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/server.ts'
import { type Client, createClient } from '../../src/client/index.ts'
import { type Options, readOptions } from '../../src/config/options.ts'
import { drainOnce } from '../../src/ledger/drain.ts'
import { realClock } from '../../src/queue/clock.ts'
import { clientOf } from '../../src/runtime/client-of.ts'
import { createRuntime, type Runtime, type RuntimeOverrides } from '../../src/runtime.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { type CompletionWorkers, startCompletionWorkers } from '../../workers/completions.ts'
import { freshDatabase } from '../helpers/postgres.ts'
import { freshPrefix } from '../helpers/redis.ts'
import { startTap, type Tap } from './queue-tap.ts'

/** Generous everywhere; a test lowers what it is about. */
export const POLICY = `
version: 1
timezone: UTC
identity: { default_tenant: default, default_tier: basic, users: { rich: premium } }
defaults: { max_output_tokens: 4096, min_output_tokens: 16, attempts: 3, timeout: 5s }
tiers:
  basic:   { budget: { usd: "50", per: hour }, ladder: standard, on_exhausted: park }
  premium: { budget: { usd: "500", per: hour }, ladder: standard, on_exhausted: park }
budgets:
  - { id: company, scope: global, usd: "2000", per: month }
ladders:
  standard: [ { model: gpt-6-astra, until: 80 }, { model: gpt-6-sol, until: 95 }, { model: gpt-6-luna } ]
providers:
  openai:
    base_url: https://api.openai.com/v1
    key: \${OPENAI_API_KEY}
    profile: { unbilled_status: [400, 401, 403, 404, 409, 413, 422, 429, 500, 503], abort_ends_bill: false }
cache:
  responses: { ttl: 1h }
`

export interface RigOptions {
  readonly policy?: string
  readonly sandbox?: Partial<SandboxOptions>
  readonly env?: Readonly<Record<string, string>>
  readonly overrides?: RuntimeOverrides
  /** Where it lives; absent = as the vitest project says. */
  readonly embedded?: boolean
  /** false = nobody takes jobs until `startWorkers`. */
  readonly workers?: boolean
}

/** Where the rig lives: on the shared services, or in this process; a vitest project of its own says so. */
export const isEmbedded = process.env.BURSAR_RIG === 'embedded'

/** A whole Bursar: under a prefix and a database of its own on the shared services, or embedded in a folder of its own. */
export interface Rig {
  readonly client: Client
  readonly runtime: Runtime
  readonly sandbox: Sandbox
  /** Every call to the provider goes through it. */
  readonly tap: Tap
  readonly options: Options
  readonly env: Readonly<Record<string, string>>
  startWorkers(runtime?: Runtime): Promise<CompletionWorkers>
  newRuntime(overrides?: RuntimeOverrides): Promise<Runtime>
  /** The same Bursar, opened once more after its runtime was closed. */
  reopen(): Promise<Runtime>
  /** What BullMQ counts each time it takes a job from a dead worker. */
  countDeaths(jobId: string, deaths: number): Promise<void>
  newClient(): Client
  /** Moves everything from the outbox to the ledger. */
  drain(): Promise<void>
  close(): Promise<void>
}

export async function startRig(rig: RigOptions = {}): Promise<Rig> {
  const { embedded = isEmbedded } = rig
  const folder = await mkdtemp(join(tmpdir(), 'bursar-rig-'))
  const file = join(folder, 'bursar.yaml')
  await writeFile(file, rig.policy ?? POLICY)
  const sandbox = await startSandbox({ seed: 7, ...rig.sandbox })
  const tap = await startTap(sandbox.url)
  const env = {
    // On servers too: journals of an outage are kept there.
    BURSAR_DATA: join(folder, 'data'),
    ...(embedded ? {} : await onServices()),
    BURSAR_POLICY: file,
    LOG_LEVEL: process.env.RIG_LOG ?? 'silent',
    ...rig.env,
  }
  const options = readOptions(env)
  const closers: (() => Promise<unknown>)[] = [
    () => rm(folder, { recursive: true }),
    () => sandbox.close(),
    () => tap.close(),
  ]
  let first: Runtime | null = null
  const newRuntime = async (overrides: RuntimeOverrides = {}) => {
    // One process has one runtime on a folder: its workers stand for other processes' workers.
    if (embedded && first && Object.keys(overrides).length === 0) return first
    return open(overrides)
  }
  const open = async (overrides: RuntimeOverrides = {}) => {
    const runtime = await createRuntime(options, {
      env,
      sandbox: { url: tap.url },
      logger: createLogger({ level: options.LOG_LEVEL, name: 'rig' }),
      ...rig.overrides,
      ...overrides,
    })
    closers.push(() => runtime.close())
    first ??= runtime
    return runtime
  }
  const newClient = () => {
    const { clock = realClock } = rig.overrides ?? {}
    const client = embedded
      ? clientOf(runtime)
      : createClient({
          redisUrl: options.REDIS_URL ?? '',
          prefix: options.BURSAR_PREFIX,
          queuePrefix: options.BURSAR_QUEUE_PREFIX,
          clock,
        })
    closers.push(() => client.close())
    return client
  }
  const startWorkers = async (other = runtime) => {
    const workers = await startCompletionWorkers(other)
    let closed: Promise<void> | undefined
    const close = (limitMs = 1_000) => {
      closed ??= workers.close(limitMs)
      return closed
    }
    closers.push(() => close())
    return { close }
  }
  const runtime = await newRuntime()
  const client = newClient()
  if (rig.workers !== false) await startWorkers()
  return {
    client,
    runtime,
    sandbox,
    tap,
    options,
    env,
    startWorkers,
    newRuntime,
    newClient,
    reopen: open,
    countDeaths: (jobId, deaths) => countDeaths(runtime, jobId, deaths),
    async drain() {
      for (;;) {
        const result = await drainOnce(runtime.ledger, runtime.store.outbox, { batch: 500 })
        if (result.state !== 'drained' || !result.more) return
      }
    },
    async close() {
      for (const close of closers.splice(0).toReversed()) await close()
    },
  }
}

async function countDeaths({ redis, queues, ledger }: Runtime, jobId: string, deaths: number) {
  if (redis) await redis.connection.hset(queues.interactive.toKey(jobId), 'stc', deaths)
  else
    await ledger.db.execute(
      sql`update bullmq.job set stalled_count = ${deaths} where id = ${jobId}`,
    )
}

const onServices = async () => ({
  REDIS_URL: inject('redisUrl'),
  DATABASE_URL: await freshDatabase(),
  BURSAR_PREFIX: freshPrefix(),
  BURSAR_QUEUE_PREFIX: `{q-${randomBytes(6).toString('hex')}}`,
})

/** Leaves the machine to those who are waited for; short enough for nobody to notice. */
const LOOK_AGAIN_MS = 5

/** Resolves when `look` is true; the test's own time limit is the only other end. */
export async function until(look: () => Promise<boolean>): Promise<void> {
  while (!(await look())) await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
}

/** A promise that a test resolves. */
export function gate() {
  let open = () => {}
  const wait = new Promise<void>((resolve) => {
    open = resolve
  })
  return { wait, open }
}

/** A question of its own: no cache answers it. */
export const ask = (content: string, more: object = {}) => ({
  user: 'rich',
  model: 'auto',
  cache: false,
  messages: [{ role: 'user' as const, content }],
  ...more,
})
