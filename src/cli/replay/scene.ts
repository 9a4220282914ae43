import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Environment, readOptions } from '../../config/options.ts'
import { report } from '../../ledger/queries/report.ts'
import { createFollowingClock } from '../../queue/clock.ts'
import { createRuntime, type Runtime } from '../../runtime.ts'
import { createLogger } from '../../telemetry/logger.ts'
import { wholeBill } from '../traffic/bill.ts'
import { endChild, startChild } from '../traffic/children.ts'
import { collectEvidence, type Driven } from '../traffic/collect.ts'
import { startCrew } from '../traffic/crew.ts'
import { judge, summarise } from '../traffic/judge.ts'
import { drainAll, settleDown } from '../traffic/settle-down.ts'
import { startBar } from './bar.ts'
import type { CheckedTrace } from './check-trace.ts'
import { correctOverbilled } from './correct-overbilled.ts'
import { drive } from './drive.ts'
import type { PolicyCopy } from './policy-copy.ts'
import type { ReplayOptions, ReplayResult, Surroundings } from './types.ts'
import { type DriverClock, startDriverClock, type TellTime, tellByKey } from './virtual-clock.ts'
import { startWorkers, type WorkerPool } from './worker-pool.ts'
import type { Workspace } from './workspace-type.ts'

/** Everything that a replay needs, before any of it moves. */
export interface Scene {
  readonly options: ReplayOptions
  readonly workers: number
  readonly surroundings: Surroundings
  readonly copy: PolicyCopy
  readonly trace: CheckedTrace
  readonly workspace: Workspace
}

interface Cast {
  readonly runtime: Runtime
  readonly clock: DriverClock
  readonly pool: WorkerPool
  readonly billFile: string
}

type Closers = (() => Promise<unknown>)[]

/** Virtual: longer than any call flies at full speed, short enough for what the dead held to come back. */
const HOLD_TTL_MS = 600_000
const LANES = 16
const IN_FLIGHT_PER_WORKER = 4 * LANES
const SANDBOX_LIMIT_MS = 10_000
const CREW_LIMIT_MS = 60_000

/** Runs the replay in its workspace. Whatever it started has ended when it returns or throws. */
export async function runScene(scene: Scene): Promise<ReplayResult> {
  const closers: Closers = []
  try {
    const cast = await gather(scene, closers)
    const startedMs = performance.now()
    const driven = await perform(scene, cast)
    await cast.pool.close()
    await settleDown(cast.runtime, HOLD_TTL_MS)
    const seconds = (performance.now() - startedMs) / 1_000
    return await verdict(scene, cast, driven, seconds)
  } finally {
    for (const close of closers.toReversed()) await close().catch(() => {})
  }
}

async function gather(scene: Scene, closers: Closers): Promise<Cast> {
  const { workspace, trace } = scene
  const billFile = join(workspace.folder, 'bill.jsonl')
  const url = await openSandbox(scene, billFile, closers)
  const env = await childEnv(scene, url)
  const clock = { ...createFollowingClock(trace.firstMs), wakes: true }
  const log = createLogger({ level: 'silent', name: 'replay' })
  const runtime = await createRuntime(readOptions(env), { env, clock, logger: log, sandbox: false })
  closers.push(() => runtime.close())
  const driverClock = startDriverClock(clock, tellerOf(runtime))
  closers.push(() => driverClock.stop())
  const pool = await (workspace.isEmbedded ? hereOver(runtime) : elsewhere(scene, env))
  closers.push(() => pool.close())
  return { runtime, clock: driverClock, pool, billFile }
}

/** Workers in this process share its clock. */
const tellerOf = ({ redis, options }: Runtime): TellTime =>
  redis === null ? async () => {} : tellByKey(redis.commands, options.BURSAR_PREFIX)

async function hereOver(runtime: Runtime): Promise<WorkerPool> {
  const crew = await startCrew(runtime)
  const close = () => crew.close(CREW_LIMIT_MS)
  return { killed: 0, fallen: 0, spare: () => {}, close }
}

const elsewhere = ({ options, workers, workspace }: Scene, env: Environment): Promise<WorkerPool> =>
  startWorkers({
    ...{ env, workers, seed: options.seed, killEveryS: options.killEveryS },
    log: join(workspace.folder, 'workers.log'),
  })

async function openSandbox(scene: Scene, billFile: string, closers: Closers): Promise<string> {
  const { options, workspace, surroundings } = scene
  await writeFile(billFile, '')
  const words = ['sandbox', '--bill', billFile, '--seed', String(options.seed)]
  const log = join(workspace.folder, 'sandbox.log')
  const sandbox = startChild([...words, '--faults', options.faults], surroundings.env, log)
  closers.push(() => endChild(sandbox, SANDBOX_LIMIT_MS))
  return (await sandbox.ready).url
}

/** A short patience where faults or deaths are wanted, so that they show; production's where they are not. */
const timings = ({ faults, killEveryS }: ReplayOptions) => ({
  providerTimeoutMs: faults === '' ? 60_000 : 4_000,
  lockMs: killEveryS === null ? 30_000 : 4_000,
  stalledMs: killEveryS === null ? 10_000 : 1_000,
})

async function childEnv(scene: Scene, sandboxUrl: string): Promise<Environment> {
  const { options, workspace, copy, surroundings } = scene
  const { providerTimeoutMs, lockMs, stalledMs } = timings(options)
  const policy = join(workspace.folder, 'bursar.yaml')
  await writeFile(policy, copy.write(sandboxUrl, providerTimeoutMs))
  return {
    LOG_LEVEL: 'error',
    ...surroundings.env,
    ...workspace.env,
    BURSAR_POLICY: policy,
    HOLD_TTL_MS: String(HOLD_TTL_MS),
    JOB_LOCK_MS: String(lockMs),
    STALLED_INTERVAL_MS: String(stalledMs),
    WORKER_CONCURRENCY: String(LANES),
    // A busy machine is no outage.
    REDIS_COMMAND_TIMEOUT_MS: '20000',
    RESULT_TTL_MS: '600000',
  }
}

async function perform(scene: Scene, { runtime, clock, pool }: Cast): Promise<Driven> {
  const { options, surroundings, copy, trace } = scene
  const bar = startBar(surroundings.output, trace.rows, runtime, copy.globalBudget)
  try {
    return await drive({
      runtime,
      clock,
      trace,
      seed: options.seed,
      speed: options.speed,
      inFlight: scene.workers * IN_FLIGHT_PER_WORKER,
      signal: surroundings.signal,
      told: bar.update,
      allSent: pool.spare,
    })
  } finally {
    bar.stop()
  }
}

async function verdict(
  { copy }: Scene,
  { runtime, pool, billFile }: Cast,
  driven: Driven,
  seconds: number,
): Promise<ReplayResult> {
  const { globalBudget } = copy
  const { fallen } = pool
  const bill = await wholeBill(billFile)
  const corrected = await correctOverbilled(runtime, bill)
  await drainAll(runtime)
  const evidence = await collectEvidence({ runtime, driven, bill, globalBudget, fallen })
  return {
    corrected,
    killed: pool.killed,
    summary: summarise(evidence, seconds),
    differences: judge(evidence),
    reports: [
      await report(runtime.ledger, { groupBy: 'tier' }),
      await report(runtime.ledger, { groupBy: 'model' }),
    ],
  }
}
