import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { gt } from 'drizzle-orm'
import { embeddedPlace } from '../../src/admin/place/embedded.ts'
import { createRedisStore } from '../../src/admission/redis/store.ts'
import { correctOverbilled } from '../../src/cli/replay/correct-overbilled.ts'
import { wholeBill } from '../../src/cli/traffic/bill.ts'
import { collectEvidence } from '../../src/cli/traffic/collect.ts'
import { createDraw } from '../../src/cli/traffic/draw.ts'
import { delayedJobs, restingJobs } from '../../src/cli/traffic/queue-watch.ts'
import { drainAll, settleDown } from '../../src/cli/traffic/settle-down.ts'
import { readOptions } from '../../src/config/options.ts'
import { migrate } from '../../src/ledger/migrate.ts'
import { postings } from '../../src/ledger/schema.ts'
import { createRuntime, type Runtime, redisOf } from '../../src/runtime.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { type Server, startPostgres, startRedis } from '../../test/helpers/services/index.ts'
import { type Crew, startCrew, startSandbox } from './crew.ts'
import { startHarm } from './harm.ts'
import { type Judgement, judgeChaos } from './judge.ts'
import type { ChaosOptions } from './options.ts'
import { COMPANY, type PolicyFile, writePolicy } from './policy.ts'
import { type Sampler, startSampler } from './sampler.ts'
import { startTraffic, type Traffic } from './traffic.ts'

/** Everything that a provider does wrong. */
const FAULTS =
  '429:0.03,429-retry-after:0.01,500:0.03,503:0.01,stall:0.005,reset:0.01,cut:0.03,missing-usage:0.02,overbill:0.02,late-error:0.01'
/** Short, so that half a minute sees holds run out, stalled jobs taken over and zombies. */
const HOLD_TTL_MS = 6_000
const TIMES = {
  HOLD_TTL_MS: String(HOLD_TTL_MS),
  JOB_LOCK_MS: '3000',
  STALLED_INTERVAL_MS: '1000',
  SHUTDOWN_TIMEOUT_MS: '10000',
  RESULT_TTL_MS: '86400000',
  WORKER_CONCURRENCY: '8',
}
const QUIET_LIMIT_MS = 120_000

type Closers = (() => Promise<unknown>)[]

/** Told about twice a second how far it is, for a person. */
export type Watch = (seconds: number, text: string) => void

interface Stage {
  readonly redis: Server
  readonly folder: string
  readonly policy: PolicyFile
  readonly runtime: Runtime
  readonly crew: Crew
  readonly draw: ReturnType<typeof createDraw>
}

/** Runs it and judges it. Whatever was started has ended when it returns or throws. */
export async function runChaos(options: ChaosOptions, watch: Watch): Promise<Judgement> {
  const closers: Closers = []
  try {
    const stage = await build(options, closers)
    const traffic = startTraffic(stage.runtime, createDraw(options.seed, 1))
    const { redis: connections } = stage.runtime
    if (!connections) throw new Error('chaos needs Redis')
    const sampler = startSampler({
      ...stage.runtime,
      redis: connections.commands,
      policy: stage.policy,
    })
    const harm = startHarm({ ...stage, place: embeddedPlace(stage.runtime) })
    await show(options.seconds, stage, traffic, sampler, watch)
    await harm.stop()
    await traffic.stop()
    const quiet = await untilQuiet(stage.runtime)
    await stage.crew.close()
    await sampler.stop()
    return await verdict(stage, { traffic, sampler, kills: harm.kills + stage.crew.killed, quiet })
  } finally {
    for (const close of closers.toReversed()) await close().catch(() => {})
  }
}

async function build(options: ChaosOptions, closers: Closers): Promise<Stage> {
  const { seed, workers } = options
  const draw = createDraw(seed)
  const folder = await mkdtemp(join(tmpdir(), 'bursar-chaos-'))
  if (options.keep) process.stderr.write(`kept: ${folder}\n`)
  else closers.push(() => rm(folder, { recursive: true, force: true }))
  const [redis, postgres] = await Promise.all([startRedis(), startPostgres()])
  closers.push(
    () => redis.stop(),
    () => postgres.stop(),
  )
  await migrate(postgres.url)
  await writeFile(billOf(folder), '')
  const sandbox = await startSandbox(billOf(folder), FAULTS, seed)
  closers.push(sandbox.close)
  const policy = await writePolicy(join(folder, 'bursar.yaml'), sandbox.url, draw)
  const env = {
    ...{ PATH: process.env.PATH, HOME: process.env.HOME, LOG_LEVEL: 'warn', ...TIMES },
    ...{ REDIS_URL: redis.url, DATABASE_URL: postgres.url, BURSAR_POLICY: policy.path },
    // So that no worker starts a provider of its own.
    OPENAI_API_KEY: 'sandbox',
  }
  const crew = await startCrew(workers, { env, log: join(folder, 'workers.log'), draw })
  closers.push(crew.close)
  const logger = createLogger({ level: 'silent', name: 'chaos' })
  const runtime = await createRuntime(readOptions(env), { env, logger, sandbox: false })
  closers.push(() => runtime.close())
  return { redis, folder, policy, runtime, crew, draw }
}

const billOf = (folder: string): string => join(folder, 'bill.jsonl')

async function show(
  seconds: number,
  { crew }: Stage,
  { tally }: Traffic,
  sampler: Sampler,
  watch: Watch,
): Promise<void> {
  const fromMs = performance.now()
  for (let passed = 0; passed < seconds; passed = (performance.now() - fromMs) / 1_000) {
    const { answered, refused, failed } = tally.counts
    watch(
      Math.floor(passed),
      `${answered} answered · ${refused} refused · ${failed} failed · ${crew.killed} workers killed · ${sampler.samples} looks · ${sampler.suspects.length} to explain`,
    )
    await pause(500)
  }
}

/** Everything that still moves comes to its end: calls, takeovers, retries, deadlines. */
async function untilQuiet({ queues }: Runtime): Promise<boolean> {
  const untilMs = performance.now() + QUIET_LIMIT_MS
  while (performance.now() < untilMs) {
    if (await restingJobs(queues)) return true
    await pause(200)
  }
  return false
}

interface Seen {
  readonly traffic: Traffic
  readonly sampler: Sampler
  readonly kills: number
  readonly quiet: boolean
}

async function verdict(stage: Stage, { traffic, sampler, kills, quiet }: Seen): Promise<Judgement> {
  const { runtime, folder, policy, crew } = stage
  await expireAll(runtime)
  await traffic.askForRest()
  const bill = await wholeBill(billOf(folder))
  await correctOverbilled(runtime, bill)
  await drainAll(runtime)
  const parked = await delayedJobs(runtime.queues)
  const driven = { tally: traffic.tally, parked, quiet }
  const { fallen } = crew
  const evidence = await collectEvidence({ runtime, driven, bill, globalBudget: COMPANY, fallen })
  const { suspects, samples } = sampler
  const overruns = await overrunsOf(runtime)
  return judgeChaos({ evidence, suspects, overruns, policy, samples, kills })
}

/** Ends what dead workers left: in a time in which every hold has run out. */
async function expireAll(runtime: Runtime): Promise<void> {
  const { options, clock } = runtime
  const late = { ...clock, now: () => Date.now() + HOLD_TTL_MS, follow: () => {} }
  const store = await createRedisStore({
    redis: redisOf(runtime).commands,
    prefix: options.BURSAR_PREFIX,
    clock: () => late.now() + 1_000,
  })
  await settleDown({ ...runtime, clock: late, store }, HOLD_TTL_MS)
}

const overrunsOf = ({ ledger }: Runtime) =>
  ledger.db
    .select({
      windows: postings.windows,
      postedAtMs: postings.postedAtMs,
      overrunNano: postings.overrunNano,
    })
    .from(postings)
    .where(gt(postings.overrunNano, 0))
