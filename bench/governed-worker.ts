import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import OpenAI from 'openai'
import { grantHold } from '../src/admission/hold.ts'
import { readOptions } from '../src/config/options.ts'
import { createClients } from '../src/provider/clients.ts'
import { createTransport } from '../src/provider/transport.ts'
import { KEEP_ENDED } from '../src/queue/names.ts'
import { createRuntime } from '../src/runtime.ts'
import { startRoles } from '../workers/main.ts'
import { tellCpu } from './costs.ts'

/**
 * The worker's side of the bench, a process of its own: Bursar's roles, and beside them a bare BullMQ worker that
 * makes the same SDK call and publishes its result. Only one of them has work at a time.
 */
const env = process.env
const sandbox = env.BENCH_SANDBOX ?? ''
const options = readOptions(env)
const runtime = await createRuntime(options, { env, sandbox: { url: sandbox } })
await startRoles(['completions', 'ledger', 'jobs'], runtime)

const redisUrl = options.REDIS_URL ?? ''
const connection = new Redis(redisUrl, { maxRetriesPerRequest: null })
const publisher = new Redis(redisUrl, { enableAutoPipelining: true })

type Body = OpenAI.ChatCompletionCreateParamsNonStreaming
const bare = (queue: string, call: (body: Body, id: string) => Promise<unknown>) =>
  new Worker<Body>(
    queue,
    async (job) => {
      const id = job.id ?? ''
      const answer = await call(job.data, id)
      await publisher.publish('bench:reply', `${id}\n${JSON.stringify(answer)}`)
    },
    {
      connection,
      prefix: '{bench}',
      concurrency: options.WORKER_CONCURRENCY,
      lockDuration: options.JOB_LOCK_MS,
      removeOnComplete: KEEP_ENDED,
    },
  ).waitUntilReady()

// As anybody would write it.
const plain = new OpenAI({ apiKey: 'bench', baseURL: sandbox, maxRetries: 0 })
await bare('plain', (body) => plain.chat.completions.create(body))

// The same SDK over the same transport as Bursar's: what is left between the two is governing.
const transport = createTransport()
const policy = runtime.rules.current().policy.providers.openai
if (!policy) throw new Error('the bench policy has a provider openai')
const tuned = createClients(transport.fetch)({ ...policy, baseUrl: sandbox, apiKey: 'bench' })
await bare('tuned', async (body, id) => {
  const hold = grantHold({
    ...{ attemptId: id, job: id, rung: 0, holdNano: 0, capTokens: 0, n: 1, atMs: 0, windows: [] },
  })
  const send = transport.open(hold)
  try {
    const headers = { 'x-bursar-attempt': id }
    return await tuned.chat.completions.create(body, { headers })
  } finally {
    transport.finish(send)
  }
})

tellCpu()
process.once('disconnect', () => process.exit(1))
process.send?.('ready')
