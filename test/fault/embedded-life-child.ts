import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { wholeBill } from '../../src/cli/traffic/bill.ts'
import { collectEvidence } from '../../src/cli/traffic/collect.ts'
import { judge, summarise } from '../../src/cli/traffic/judge.ts'
import { restingJobs } from '../../src/cli/traffic/queue-watch.ts'
import { drainAll } from '../../src/cli/traffic/settle-down.ts'
import { createTally, outcomeOf } from '../../src/cli/traffic/tally.ts'
import { readOptions } from '../../src/config/options.ts'
import { clientOf } from '../../src/runtime/client-of.ts'
import { createRuntime } from '../../src/runtime.ts'
import { startCompletionWorkers } from '../../workers/completions.ts'
import { startLedgerWorker } from '../../workers/ledger.ts'

/**
 * One life of an embedded Bursar, run by `embedded-life.test.ts`: hands in jobs under the names it is told, and says
 * which ones it was promised, until somebody kills it. The last life hands in nothing: it works off what is there,
 * and says what became of the jobs of all lives.
 */
const env = z
  .object({ BURSAR_DATA: z.string(), BURSAR_POLICY: z.string(), SANDBOX: z.string() })
  .extend({ NAME: z.string(), BILL: z.string(), PROMISED: z.string().optional() })
  .parse(process.env)
const say = (line: unknown) => void process.stdout.write(`${JSON.stringify(line)}\n`)

const settings = {
  ...{ BURSAR_DATA: env.BURSAR_DATA, BURSAR_POLICY: env.BURSAR_POLICY, LOG_LEVEL: 'silent' },
  ...{ JOB_LOCK_MS: '1500', STALLED_INTERVAL_MS: '500', WORKER_CONCURRENCY: '8' },
}
const runtime = await createRuntime(readOptions(settings), {
  env: settings,
  sandbox: { url: env.SANDBOX },
})
const { store, ledger, queues } = runtime
const workers = await startCompletionWorkers(runtime)
const drain = startLedgerWorker({ ledger, outbox: store.outbox })
const client = clientOf(runtime)
say({ ready: true })

const LANES = 12

async function lane(number: number): Promise<never> {
  for (let n = 0; ; n += 1) {
    const jobId = `${env.NAME}-${number}-${n}`
    await client.enqueue({
      ...{ jobId, user: `u${number}`, tenant: `t${number % 3}`, model: 'auto' },
      messages: [{ role: 'user', content: `question ${n % 7} of ${number % 4}` }],
    })
    say({ promised: jobId })
    await client.result(jobId).catch(() => {})
  }
}

/** Whoever waits longer waits for budget. */
const PARKED_MS = 60_000

async function lastLife(promised: readonly string[]): Promise<void> {
  let parked = await restingJobs(queues, PARKED_MS)
  for (; !parked; parked = await restingJobs(queues, PARKED_MS)) await pause(50)
  await workers.close()
  await drain.close()
  await drainAll(runtime)
  const tally = createTally()
  const results = await store.results(promised)
  for (const [at, job] of promised.entries()) {
    tally.sent(job)
    const result = results[at]
    if (result) tally.ended(job, outcomeOf(result))
  }
  const evidence = await collectEvidence({
    runtime,
    driven: { tally, parked, quiet: true },
    bill: await wholeBill(env.BILL),
    globalBudget: 'company',
    fallen: 0,
  })
  // A job whose promise the kill cut off may have been kept all the same: it is nobody's loss.
  const ends = new Map([...evidence.ends].filter(([job]) => tally.jobs.has(job)))
  say({ differences: judge({ ...evidence, ends }), summary: summarise({ ...evidence, ends }, 0) })
  await client.close()
  await runtime.close()
}

if (env.PROMISED === undefined) {
  await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)))
} else {
  await lastLife(z.array(z.string()).parse(JSON.parse(env.PROMISED)))
}
