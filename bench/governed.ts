import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { slotKeys } from '../src/admission/keys.ts'
import { createClient } from '../src/client/index.ts'
import { migrate } from '../src/ledger/migrate.ts'
import { startPostgres, startRedis } from '../test/helpers/services/index.ts'
import { type Bench, compare, round } from './bench.ts'
import { POLICY } from './governed-policy.ts'

/** Calls that the worker has under way, and requests that wait for it: a queue with work in it, as queues have. */
const CONCURRENCY = 64
const IN_FLIGHT = 4 * CONCURRENCY
const ROUNDS = 5

const child = (file: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess =>
  spawn(process.execPath, [join(import.meta.dirname, file), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })

/** Every request is another one, so that no cache answers. */
const body = () => ({
  model: 'gpt-6-astra',
  max_completion_tokens: 64,
  messages: [
    { role: 'system' as const, content: 'You are a patient tutor.' },
    { role: 'user' as const, content: `Explain recursion to student ${randomUUID()}` },
  ],
})

/** A bare producer: adds to BullMQ, and waits for what the worker publishes. */
async function bareQueue(redisUrl: string) {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null, enableAutoPipelining: true })
  const subscriber = new Redis(redisUrl)
  const waiting = new Map<string, () => void>()
  subscriber.on('message', (_channel, message: string) => {
    const id = message.slice(0, message.indexOf('\n'))
    waiting.get(id)?.()
    waiting.delete(id)
  })
  await subscriber.subscribe('bench:reply')
  const queues = new Map(
    ['plain', 'tuned'].map((name) => [name, new Queue(name, { connection, prefix: '{bench}' })]),
  )
  return {
    connection,
    run: (name: string) =>
      new Promise<void>((resolve, reject) => {
        const id = randomUUID()
        waiting.set(id, resolve)
        queues.get(name)?.add('call', body(), { jobId: id }).catch(reject)
      }),
    async close() {
      for (const queue of queues.values()) await queue.close()
      connection.disconnect()
      subscriber.disconnect()
    },
  }
}

/**
 * Governed jobs per second, from the client to the settled answer with the ledger drained beside it, against a bare
 * BullMQ that makes the same call to the same provider and publishes its result.
 */
export const bench: Bench = async ({ seconds, note }) => {
  note('starting Redis, PostgreSQL, the sandbox and one worker process')
  const folder = await mkdtemp(join(tmpdir(), 'bursar-bench-'))
  const redis = await startRedis({ appendfsync: 'everysec' })
  const postgres = await startPostgres()
  await migrate(postgres.url)
  await writeFile(join(folder, 'bursar.yaml'), POLICY)
  const sandbox = child('../sandbox/main.js', ['--seed', '1', '--latency', '0'], {})
  if (!sandbox.stdout) throw new Error('the sandbox has no output')
  const [line] = await once(createInterface(sandbox.stdout), 'line')
  const { url } = z.object({ url: z.string() }).parse(JSON.parse(String(line)))
  const env = {
    ...{ REDIS_URL: redis.url, DATABASE_URL: postgres.url, LOG_LEVEL: 'error' },
    ...{ BURSAR_POLICY: join(folder, 'bursar.yaml'), BENCH_SANDBOX: url },
    WORKER_CONCURRENCY: String(CONCURRENCY),
  }
  const worker = child('governed-worker.js', [], env)
  await once(worker, 'message')
  const bare = await bareQueue(redis.url)
  const client = createClient({ redisUrl: redis.url })
  try {
    note(`${IN_FLIGHT} in flight, ${seconds} s each in ${ROUNDS} turns`)
    const governed = async () => {
      const tags = { feature: 'tutor' }
      await client.run({ user: `u${Math.floor(Math.random() * 1_000)}`, tags, ...body() })
    }
    // The ledger is written beside the calls; what it is behind by at the end says whether it keeps up.
    let ledgerLagMs = 0
    const drained = async () => {
      const fromMs = performance.now()
      while ((await bare.connection.xlen(slotKeys('{bursar}').out)) > 0) await pause(10)
      ledgerLagMs = Math.max(ledgerLagMs, performance.now() - fromMs)
    }
    const rates = await compare(
      [
        { name: 'tuned', work: () => bare.run('tuned') },
        { name: 'governed', work: governed, finish: drained },
        { name: 'plain', work: () => bare.run('plain') },
      ],
      { lanes: IN_FLIGHT, seconds, rounds: ROUNDS },
    )
    const { tuned = 0, plain = 0, governed: ours = 0 } = rates
    return {
      inFlight: IN_FLIGHT,
      concurrency: CONCURRENCY,
      ledgerLagMs: round(ledgerLagMs, 0),
      governedPerSecond: round(ours, 0),
      bullmqSameTransportPerSecond: round(tuned, 0),
      bullmqDefaultTransportPerSecond: round(plain, 0),
      governedToSameTransport: round(ours / tuned),
      governedToDefaultTransport: round(ours / plain),
    }
  } finally {
    await client.close()
    await bare.close()
    worker.kill('SIGKILL')
    sandbox.kill('SIGTERM')
    await Promise.all([redis.stop(), postgres.stop(), rm(folder, { recursive: true })])
  }
}
