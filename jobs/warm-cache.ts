import { hash } from 'node:crypto'
import { isDue, isWorth, LEARNED_MS } from '../src/cache/warming/choose.ts'
import { findPrompt } from '../src/cache/warming/keep-prompt.ts'
import { repeatedPrompts } from '../src/ledger/queries/repeated-prompts.ts'
import { warmJob } from '../src/queue/warm-up.ts'
import type { Runtime } from '../src/runtime.ts'
import type { ScheduledJob } from './runner.ts'

const PERIOD_MS = 300_000

/**
 * Asks the prompts that come again and cost most once more before their answers end, within the warming budget. What
 * that budget cannot pay until the next look is given up.
 */
export const warmCache: ScheduledJob = {
  name: 'warm-cache',
  schedule: '0 */5 * * * *',
  async run(runtime) {
    const { policy } = runtime.rules.current()
    const { warming, responses } = policy.cache
    if (!warming?.enabled) return undefined
    const nowMs = runtime.clock.now()
    const span = { fromMs: nowMs - LEARNED_MS, limit: warming.top }
    const learned = await repeatedPrompts(runtime.ledger, span)
    const keys = learned.filter(({ times }) => isWorth(times, responses)).map(({ key }) => key)
    const kept = await runtime.answerShelf.look(keys)
    const due = keys.filter((_, at) => isDue(kept[at] ?? null, responses))
    let asked = 0
    for (const key of due) if (await askAgain(key, nowMs, runtime)) asked += 1
    return due.length === 0 ? undefined : { learned: learned.length, due: due.length, asked }
  },
}

/** @returns false when its prompt is gone, or the policy looks for its answer elsewhere by now. */
async function askAgain(key: string, nowMs: number, runtime: Runtime): Promise<boolean> {
  const { promptShelf: shelf, keeper, rules } = runtime
  const prompt = await findPrompt(key, { shelf, keeper })
  if (!prompt) return false
  const { cache, ...request } = prompt
  // Every process with this role looks at the same time: the second one finds the job handed in.
  const tick = Math.floor(nowMs / PERIOD_MS)
  const jobId = `warm-${hash('sha256', key).slice(0, 24)}-${tick}`
  const deadlineMs = (tick + 1) * PERIOD_MS
  const wanted = { request: { ...request, tags: {} }, cache, jobId, deadlineMs }
  const { job, handIn } = warmJob(wanted, rules.current(), runtime)
  if (job.cacheKey !== key) return false
  await handIn({ ...runtime, queues: () => runtime.queues })
  return true
}
