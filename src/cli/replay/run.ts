import { join } from 'node:path'
import { readOptions } from '../../config/options.ts'
import type { Output } from '../output.ts'
import { type CheckedTrace, checkTrace } from './check-trace.ts'
import { copyPolicy } from './policy-copy.ts'
import { runScene } from './scene.ts'
import type { ReplayOptions, ReplayResult, Surroundings } from './types.ts'
import { workerCount } from './worker-count.ts'
import { openWorkspace } from './workspace.ts'
import type { Workspace } from './workspace-type.ts'

/**
 * Runs a recorded trace through queue, workers and ledger against the simulated provider, in a workspace of its own,
 * and compares what everybody says of it afterwards.
 * @throws {BursarError} INVALID_TRACE, INVALID_POLICY, INVALID_OPTIONS, INVALID_ARGUMENT and what the stores throw; CANCELLED.
 * Nothing is left behind, unless `keep`.
 */
export async function replay(
  options: ReplayOptions,
  surroundings: Surroundings,
): Promise<ReplayResult> {
  const { env, output } = surroundings
  const servers = readOptions(env)
  const workers = workerCount(options, servers, output)
  const copy = await copyPolicy(options.policy ?? servers.BURSAR_POLICY, env)
  const trace = await check(options, copy.policy, output)
  const workspace = await openWorkspace(servers)
  try {
    return await runScene({ options, workers, surroundings, copy, trace, workspace })
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

function tellKept({ contents, folder }: Workspace, { note }: Output): void {
  note(`kept: ${contents}`)
  note(`      with the bill in ${join(folder, 'bill.jsonl')}`)
}
