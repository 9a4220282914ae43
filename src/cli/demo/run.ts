import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Environment, readOptions } from '../../config/options.ts'
import { report } from '../../ledger/queries/report.ts'
import { clientOf } from '../../runtime/client-of.ts'
import { createRuntime, type Runtime } from '../../runtime.ts'
import { createLogger } from '../../telemetry/logger.ts'
import type { Output } from '../output.ts'
import { savedOf } from '../report/tables.ts'
import { type BilledCall, wholeBill } from '../traffic/bill.ts'
import { endChild, startChild } from '../traffic/children.ts'
import { collectEvidence } from '../traffic/collect.ts'
import { startCrew } from '../traffic/crew.ts'
import { judge, summarise } from '../traffic/judge.ts'
import { drainAll } from '../traffic/settle-down.ts'
import { DEMO_PROVIDER, demoPolicy, GLOBAL_BUDGET } from './demo-policy.ts'
import { type Played, play } from './play.ts'
import { writeScript } from './script.ts'
import { type DemoResult, liveText } from './show.ts'

export interface DemoOptions {
  readonly seed: number
  /** Where its database, policy and bill are; emptied before. */
  readonly folder: string
}

/** What its provider billed, one call a line. */
export const billOf = (folder: string): string => join(folder, 'bill.jsonl')

/** Its data folder. */
export const dataOf = (folder: string): string => join(folder, 'data')

export interface Surroundings {
  readonly env: Environment
  readonly output: Output
  readonly signal: AbortSignal
}

const LANES = 16
const SANDBOX_LIMIT_MS = 10_000
const CREW_LIMIT_MS = 10_000

type Closers = (() => Promise<unknown>)[]

/**
 * Runs the whole of Bursar in this process over an empty folder, has a built-in workload asked, and compares what
 * counters, ledger and the simulated provider say of it.
 * @param ended - is told what it came to, while everything is still open and nobody works.
 * @throws {BursarError} CANCELLED, and what the stores throw. Whatever it started has ended then.
 */
export async function runDemo(
  options: DemoOptions,
  surroundings: Surroundings,
  ended: (result: DemoResult, runtime: Runtime) => Promise<void>,
): Promise<void> {
  const closers: Closers = []
  const { output } = surroundings
  const startedMs = performance.now()
  try {
    await rm(options.folder, { recursive: true, force: true })
    await mkdir(options.folder, { recursive: true })
    output.note('starting: a database, a queue, a worker and a simulated provider, all in here')
    const billFile = billOf(options.folder)
    const url = await openSandbox(options, billFile, surroundings.env, closers)
    const runtime = await openRuntime(options, url, surroundings.env, closers)
    const played = await perform(options, runtime, surroundings, closers)
    await drainAll(runtime)
    const seconds = (performance.now() - startedMs) / 1_000
    await ended(await verdict(runtime, played, await wholeBill(billFile), seconds), runtime)
  } finally {
    for (const close of closers.toReversed()) await close().catch(() => {})
  }
}

async function openSandbox(
  { seed, folder }: DemoOptions,
  billFile: string,
  env: Environment,
  closers: Closers,
): Promise<string> {
  await writeFile(billFile, '')
  const { faults, latencyMs } = DEMO_PROVIDER
  const behaviour = ['--seed', String(seed), '--faults', faults, '--latency', String(latencyMs)]
  const words = ['sandbox', '--bill', billFile, ...behaviour]
  const sandbox = startChild(words, env, join(folder, 'sandbox.log'))
  closers.push(() => endChild(sandbox, SANDBOX_LIMIT_MS))
  return (await sandbox.ready).url
}

async function openRuntime(
  { folder }: DemoOptions,
  sandboxUrl: string,
  env: Environment,
  closers: Closers,
): Promise<Runtime> {
  const policy = join(folder, 'bursar.yaml')
  await writeFile(policy, demoPolicy(sandboxUrl))
  const { REDIS_URL: _, DATABASE_URL: __, ...rest } = env
  const own = { BURSAR_PORT: '0', ...rest, BURSAR_DATA: dataOf(folder), BURSAR_POLICY: policy }
  const embedded = { ...own, WORKER_CONCURRENCY: String(LANES) }
  const logger = createLogger({ level: 'silent', name: 'demo' })
  const runtime = await createRuntime(readOptions(embedded), { env: embedded, logger })
  closers.push(() => runtime.close())
  return runtime
}

async function perform(
  { seed }: DemoOptions,
  runtime: Runtime,
  { output, signal }: Surroundings,
  closers: Closers,
): Promise<Played> {
  const crew = await startCrew(runtime)
  const client = clientOf(runtime)
  const script = writeScript(seed)
  const progress = output.progress(script.length)
  const close = async () => {
    progress.stop()
    await client.close()
    await crew.close(CREW_LIMIT_MS)
  }
  let closing: Promise<void> | undefined
  const closeOnce = () => {
    closing ??= close()
    return closing
  }
  closers.push(closeOnce)
  const played = await play(script, {
    client,
    queues: runtime.queues,
    signal,
    told: (seen, { delayed }) =>
      progress.update(seen.tally.jobs.size - seen.tally.open, liveText(seen, delayed)),
  })
  await closeOnce()
  return played
}

async function verdict(
  runtime: Runtime,
  { seen, parked }: Played,
  bill: readonly BilledCall[],
  seconds: number,
): Promise<DemoResult> {
  const evidence = await collectEvidence({
    runtime,
    driven: { tally: seen.tally, parked, quiet: true },
    bill,
    globalBudget: GLOBAL_BUDGET,
    fallen: 0,
  })
  const { steppedDown } = seen
  const byTier = await report(runtime.ledger, { groupBy: 'tier' })
  const savedNano = savedOf(byTier.total.savedNano)
  return {
    summary: { ...summarise(evidence, seconds), savedNano, steppedDown },
    seen,
    byTier,
    byModel: await report(runtime.ledger, { groupBy: 'model' }),
    differences: judge(evidence),
  }
}
