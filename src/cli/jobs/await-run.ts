import { setTimeout as sleep } from 'node:timers/promises'
import { jobsHistory, type RunView } from '../../admin/jobs.ts'
import type { CliContext } from '../command.ts'
import { ask } from '../place.ts'

const LOOK_MS = 500
const ENDS: readonly RunView['state'][] = ['done', 'failed', 'timed-out', 'died']

/** @returns the run as it stands at its end, or when nobody waits any longer. */
export async function awaitRun(
  asked: RunView,
  waitMs: number,
  context: CliContext,
): Promise<RunView> {
  const until = performance.now() + waitMs
  let run = asked
  while (!ENDS.includes(run.state) && performance.now() < until && !context.signal.aborted) {
    await sleep(LOOK_MS)
    const { runs } = await ask(jobsHistory, { job: run.job, limit: 100 }, context)
    run = runs.find(({ tick }) => tick === asked.tick) ?? run
  }
  return run
}
