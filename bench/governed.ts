import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { slotKeys } from '../src/admission/keys.ts'
import { createClient } from '../src/client/index.ts'
import { type Bench, compare, round } from './bench.ts'
import { costsOf } from './costs.ts'
import { startWorkerHome } from './worker-home.ts'

/** Calls that the worker has under way, and requests that wait for it: a queue with work in it, as queues have. */
const CONCURRENCY = 64
const IN_FLIGHT = 4 * CONCURRENCY
const ROUNDS = 5

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
  const home = await startWorkerHome({ concurrency: CONCURRENCY }, note)
  const { redisUrl } = home
  const bare = await bareQueue(redisUrl)
  const client = createClient({ redisUrl })
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
    note('what a job costs in CPU')
    const how = { lanes: IN_FLIGHT, seconds, worker: home.worker }
    const ourCosts = await costsOf(governed, bare.connection, how)
    await drained()
    const plainCosts = await costsOf(() => bare.run('plain'), bare.connection, how)
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
      governedClientMicros: ourCosts.here,
      governedWorkerMicros: ourCosts.worker,
      governedRedisMicros: ourCosts.redis,
      bullmqClientMicros: plainCosts.here,
      bullmqWorkerMicros: plainCosts.worker,
      bullmqRedisMicros: plainCosts.redis,
    }
  } finally {
    await client.close()
    await bare.close()
    await home.stop()
  }
}
