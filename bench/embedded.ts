import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import OpenAI from 'openai'
import { z } from 'zod'
import { readOptions } from '../src/config/options.ts'
import { newJobId } from '../src/queue/ids.ts'
import { KEEP_ENDED } from '../src/queue/names.ts'
import { prepareJob } from '../src/queue/producer.ts'
import { readRequest } from '../src/queue/request.ts'
import { clientOf } from '../src/runtime/client-of.ts'
import { createRuntime, type Runtime } from '../src/runtime.ts'
import { startCompletionWorkers } from '../workers/completions.ts'
import { startLedgerWorker } from '../workers/ledger.ts'
import { type Bench, compare, round } from './bench.ts'
import { POLICY } from './governed-policy.ts'

const CONCURRENCY = 16
const IN_FLIGHT = 4 * CONCURRENCY
const ROUNDS = 3

/** Every request is another one, so that no cache answers. */
const ask = () => ({
  user: `u${Math.floor(Math.random() * 1_000)}`,
  model: 'gpt-6-astra',
  max_completion_tokens: 64,
  messages: [{ role: 'user' as const, content: `Explain recursion to student ${newJobId()}` }],
})

/** BullMQ on the same database, which makes the same call and hands its answer over in the same process. */
async function bareQueue({ backend, rules, clock }: Runtime, url: string) {
  const openai = new OpenAI({ apiKey: 'bench', baseURL: url, maxRetries: 0 })
  const answers = new EventEmitter().setMaxListeners(0)
  const queue = backend.openQueue('bare')
  const worker = backend.openWorker(
    'bare',
    async ({ id, data }) => {
      const body = { messages: [], ...data.body, model: data.model }
      answers.emit(id ?? '', await openai.chat.completions.create(body))
    },
    { concurrency: CONCURRENCY, removeOnComplete: KEEP_ENDED },
  )
  await worker.waitUntilReady()
  const { policy, prices } = rules.current()
  return {
    async run() {
      const { request, options } = readRequest(ask(), policy, clock.now())
      const job = prepareJob(
        { request, options, policy, prices, stream: false, replyTo: '' },
        clock,
      )
      const answered = once(answers, job.id)
      await queue.add('call', job, { jobId: job.id })
      await answered
    },
    async close() {
      await worker.close()
      await queue.close()
    },
  }
}

/** Governed jobs per second in one process over a data folder, against BullMQ alone on the same PGlite. */
export const bench: Bench = async ({ seconds, note }) => {
  note('starting a data folder, its workers and the sandbox')
  const folder = await mkdtemp(join(tmpdir(), 'bursar-bench-'))
  const words = [join(import.meta.dirname, '../sandbox/main.js'), '--seed', '1', '--latency', '0']
  const sandbox = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(createInterface(sandbox.stdout), 'line')
  const { url } = z.object({ url: z.string() }).parse(JSON.parse(String(line)))
  await writeFile(join(folder, 'bursar.yaml'), POLICY)
  const env = {
    ...{ BURSAR_DATA: join(folder, 'data'), BURSAR_POLICY: join(folder, 'bursar.yaml') },
    ...{ LOG_LEVEL: 'error', WORKER_CONCURRENCY: String(CONCURRENCY) },
  }
  const runtime = await createRuntime(readOptions(env), { env, sandbox: { url } })
  const workers = await startCompletionWorkers(runtime)
  const ledger = startLedgerWorker({ ledger: runtime.ledger, outbox: runtime.store.outbox })
  const client = clientOf(runtime)
  const bare = await bareQueue(runtime, url)
  try {
    note(`${IN_FLIGHT} in flight, ${seconds} s each in ${ROUNDS} turns`)
    const rates = await compare(
      [
        { name: 'bare', work: bare.run },
        { name: 'governed', work: () => client.run(ask()) },
      ],
      { lanes: IN_FLIGHT, seconds, rounds: ROUNDS },
    )
    const { bare: raw = 0, governed = 0 } = rates
    return {
      inFlight: IN_FLIGHT,
      concurrency: CONCURRENCY,
      governedPerSecond: round(governed, 0),
      bullmqPerSecond: round(raw, 0),
      governedToBullmq: round(governed / raw),
    }
  } finally {
    await client.close()
    await bare.close()
    await workers.close()
    await ledger.close()
    await runtime.close()
    sandbox.kill('SIGTERM')
    await rm(folder, { recursive: true })
  }
}
