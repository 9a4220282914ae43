import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readOptions } from '../../src/config/options.ts'
import { migrate } from '../../src/ledger/migrate.ts'
import { moveFolder } from '../../src/move/move.ts'
import { clientOf } from '../../src/runtime/client-of.ts'
import { createRuntime } from '../../src/runtime.ts'
import { startCompletionWorkers } from '../../workers/completions.ts'
import { emptyLedger } from '../helpers/ledgers.ts'
import { bursar } from './cli-harness.ts'
import { createTarget, createWorld, openRuntime, type TargetEnv, type World } from './move-world.ts'
import { startTap } from './queue-tap.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())

/** What an operator does who wants to use a Redis anew and forgets to stop its worker. */
async function wipe({ REDIS_URL, BURSAR_PREFIX, BURSAR_QUEUE_PREFIX }: TargetEnv): Promise<void> {
  const redis = new Redis(REDIS_URL)
  for (const prefix of [BURSAR_PREFIX, BURSAR_QUEUE_PREFIX]) {
    const keys = await redis.keys(`${prefix}:*`)
    if (keys.length > 0) await redis.del(keys)
  }
  redis.disconnect()
}

test('a worker that runs at the target all the while calls nobody and loses nothing', async () => {
  const target = await createTarget()
  const env = { ...world.env, ...target }
  await migrate(target.DATABASE_URL)
  const tap = await startTap(world.sandboxUrl)
  const running = await openRuntime(env, tap.url)
  const worker = await startCompletionWorkers(running)
  await wipe(target)
  await emptyLedger(running.ledger)

  const taken = new Set<string>()
  const options = readOptions(env)
  const { when } = await moveFolder({
    folder: world.folder,
    options,
    page: 1,
    // Until the slot opens, which is the last step, there is no money to call with.
    onProgress: () => expect(tap.calls).toEqual([]),
  })
  expect(when).toBe('now')
  // It takes what it finds, is refused by the slot, and parks it.
  const { interactive, batch } = running.queues
  while (taken.size < world.queued.length) {
    for (const queue of [interactive, batch]) {
      for (const job of await queue.getJobs(['delayed', 'prioritized', 'waiting', 'active'])) {
        if (job.attemptsStarted > 0 && world.queued.includes(job.data.id)) taken.add(job.data.id)
      }
    }
  }
  await worker.close()
  await running.close()

  const late = createRuntime(options, { env, sandbox: { url: tap.url } })
  const fresh = await late
  const client = clientOf(fresh)
  const next = await startCompletionWorkers(fresh)
  for (const jobId of world.queued) expect((await client.result(jobId)).text).not.toBe('')
  expect(tap.calls.length).toBe(world.queued.length)
  await next.close()
  await client.close()
  await fresh.close()
  await tap.close()
  const { stdout } = await bursar(['verify', '--json'], env)
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, violations: [] })
})

test('a process that starts at the target before the move has ended is refused', async () => {
  const target = await createTarget()
  const env = { ...world.env, ...target }
  await migrate(target.DATABASE_URL)
  const redis = new Redis(target.REDIS_URL)
  await redis.set(`${target.BURSAR_PREFIX}:slot`, 'closed 2 0 0 x')
  redis.disconnect()
  await expect(openRuntime(env, world.sandboxUrl)).rejects.toMatchObject({ code: 'SLOT_CLOSED' })
})
