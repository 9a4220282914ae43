import { join } from 'node:path'
import { type Environment, readOptions } from '../../config/options.ts'
import type { Report } from '../../ledger/queries/report.ts'
import type { Output } from '../output.ts'
import { type CheckedTrace, checkTrace } from './check-trace.ts'
import type { Difference } from './evidence.ts'
import type { Summary } from './judge.ts'
import { copyPolicy } from './policy-copy.ts'
import { runScene } from './scene.ts'
import type { Speed } from './speed.ts'
import type { TraceFormat } from './trace.ts'
import { openWorkspace } from './workspace.ts'

export interface ReplayOptions {
  readonly file: string
  readonly format: TraceFormat
  readonly speed: Speed
  /** Requests to hand in at most. */
  readonly limit: number
  /** Path of the policy; null = the one of the environment. */
  readonly policy: string | null
  readonly workers: number
  /** Fixes who asks what, and the sandbox's answers and faults. */
  readonly seed: number
  /** Of the sandbox, e.g. `429:0.05,cut:0.01`; '' = none. */
  readonly faults: string
  /** Seconds between two kills of a worker; null = none. */
  readonly killEveryS: number | null
  /** Leaves keys, database and folder behind. */
  readonly keep: boolean
}

export interface Surroundings {
  readonly env: Environment
  readonly output: Output
  /** Aborting ends the replay, unjudged. */
  readonly signal: AbortSignal
}

export interface ReplayResult {
  readonly summary: Summary
  /** Empty = counters, ledger and bill agree. */
  readonly differences: readonly Difference[]
  /** By tier and by model. */
  readonly reports: readonly Report[]
}

/**
 * Runs a recorded trace through queue, workers and ledger against the simulated provider, in keys and a database of its
 * own, and compares what everybody says of it afterwards.
 * @throws {BursarError} INVALID_TRACE, INVALID_POLICY, INVALID_OPTIONS and what the stores throw; CANCELLED.
 * Nothing is left behind, unless `keep`.
 */
export async function replay(
  options: ReplayOptions,
  surroundings: Surroundings,
): Promise<ReplayResult> {
  const { env, output } = surroundings
  const servers = readOptions(env)
  const copy = await copyPolicy(options.policy ?? servers.BURSAR_POLICY, env)
  const trace = await check(options, copy.policy, output)
  const workspace = await openWorkspace(servers)
  try {
    return await runScene({ options, surroundings, copy, trace, workspace })
  } finally {
    if (options.keep) tellKept(workspace, output)
    else await workspace.remove()
  }
}

async function check(
  { file, format, limit }: ReplayOptions,
  policy: Parameters<typeof checkTrace>[2],
  { note }: Output,
): Promise<CheckedTrace> {
  note(`reading ${file}: every line is judged before anything is spent`)
  const trace = await checkTrace(file, format, policy, (rows) => note(`${rows} lines read`))
  return { ...trace, rows: Math.min(trace.rows, limit) }
}

function tellKept(
  { prefix, queuePrefix, databaseUrl, folder }: Awaited<ReturnType<typeof openWorkspace>>,
  { note }: Output,
): void {
  const database = new URL(databaseUrl).pathname.slice(1)
  note(`kept: keys ${prefix} and ${queuePrefix}, database ${database}, folder ${folder}`)
  note(`      with the bill in ${join(folder, 'bill.jsonl')}`)
}
