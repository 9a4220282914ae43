import { writeFile } from 'node:fs/promises'
import { getTableName, isTable } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readOptions } from '../../src/config/options.ts'
import * as schema from '../../src/ledger/schema.ts'
import { TABLES } from '../../src/move/types.ts'
import { clientOf } from '../../src/runtime/client-of.ts'
import { createRuntime } from '../../src/runtime.ts'
import { startCompletionWorkers } from '../../workers/completions.ts'
import { startLedgerWorker } from '../../workers/ledger.ts'
import { bursar } from './cli-harness.ts'
import {
  createTarget,
  createWorld,
  movePolicy,
  openRuntime,
  type TargetEnv,
  type World,
} from './move-world.ts'

let world: World
let target: TargetEnv
let env: Readonly<Record<string, string>>
beforeAll(async () => {
  world = await createWorld()
  target = await createTarget()
  env = { ...world.env, ...target }
})
afterAll(() => world.close())

// The tests of this file are one story, in this order.
test('a dry run says what would be moved and changes nothing', async () => {
  const { code, stdout, stderr } = await bursar(['move', '--dry-run', '--json'], env)
  expect(stderr).toBe('')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ dryRun: true, found: [], earlier: 'none', holds: 1 },
    summary: { queued: world.queued.length, parked: 2, bodies: 1 },
  })
})

test('a folder is moved, and what was moved is counted', async () => {
  const { code, stdout, stderr } = await bursar(['move', '--json'], env)
  expect(stderr).not.toContain('error')
  expect(code).toBe(0)
  const moved = JSON.parse(stdout)
  expect(moved).toMatchObject({
    when: 'now',
    summary: { queued: world.queued.length, parked: 2, bodies: 1, windows: 4 },
  })
  expect(moved.summary.results).toBe(world.answered.length + 2)
  expect(JSON.stringify(moved)).not.toContain(world.sandboxUrl)
})

test('the books there agree to the last cent', async () => {
  const { code, stdout } = await bursar(['verify', '--json'], env)
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, violations: [], slot: { windows: 4 } })
  expect(code).toBe(0)
})

test('a second move changes nothing and says so', async () => {
  const { code, stdout } = await bursar(['move'], env)
  expect(code).toBe(0)
  expect(stdout).toContain('nothing was changed now')
  const dry = await bursar(['move', '--dry-run'], env)
  expect(dry.code).toBe(0)
  expect(dry.stdout).toContain('moved there before: nothing would change')
})

test('an embedded start on the folder says where everything went', async () => {
  const start = createRuntime(readOptions(world.env), { env: world.env })
  await expect(start).rejects.toMatchObject({
    code: 'DATA_FOLDER_MOVED',
    message: expect.stringContaining('set REDIS_URL and DATABASE_URL'),
  })
})

test('a move of the same folder to somewhere else is refused', async () => {
  const { code, stderr } = await bursar(['move'], { ...env, ...(await createTarget()) })
  expect(code).toBe(1)
  expect(stderr).toMatch(/^error DATA_FOLDER_MOVED: /)
})

test('workers finish what was queued, parked work wakes, and old answers are still there', async () => {
  const runtime = await openRuntime(env, world.sandboxUrl)
  const client = clientOf(runtime)
  const { batch } = runtime.queues
  const parked = await batch.getJob(world.parked)
  expect(Number(parked?.timestamp) + Number(parked?.delay)).toBe(world.parkedUntilMs)
  expect(parked?.progress).toMatchObject({ by: 'budget' })
  const soon = await batch.getJob(world.soon)
  expect(soon).toMatchObject({ attemptsMade: 2, attemptsStarted: 4, stalledCounter: 1 })
  for (const jobId of world.answered) {
    expect((await client.result(jobId)).text).toBe(world.texts.get(jobId))
  }
  await expect(client.result(world.cancelled)).rejects.toMatchObject({ code: 'CANCELLED' })
  // Handed in again, an ended job is not asked again.
  const [again = ''] = world.answered
  const messages = [{ role: 'user' as const, content: again }]
  const request = { jobId: again, user: 'u10', model: 'auto', messages }
  expect(await client.enqueue(request)).toMatchObject({ status: 'ended' })

  const workers = await startCompletionWorkers(runtime)
  for (const jobId of world.queued) {
    expect((await client.result(jobId)).text).not.toBe('')
  }
  // More money: what waited for the next day may go on now.
  await workers.close()
  await client.close()
  await runtime.close()
  await writeFile(world.env.BURSAR_POLICY ?? '', movePolicy('5'))
  const richer = await openRuntime(env, world.sandboxUrl)
  const asking = clientOf(richer)
  const more = await startCompletionWorkers(richer)
  await richer.queues.batch.promoteJobs()
  for (const jobId of [world.parked, world.soon]) {
    expect((await asking.result(jobId)).text).not.toBe('')
  }
  const drain = startLedgerWorker({ ledger: richer.ledger, outbox: richer.store.outbox })
  await new Promise<void>((idle) => drain.events.once('idle', idle))
  await more.close()
  await drain.close()
  await asking.close()
  await richer.close()
  const { stdout } = await bursar(['verify', '--json'], env)
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, violations: [] })
})

/** What processes tell each other while they run: a folder that is moved has one, which has ended. */
const OF_PROCESSES = ['processes', 'reports', 'leases']

test('every table of the ledger is moved, or written anew', () => {
  const tables = Object.values(schema).flatMap((one) => (isTable(one) ? [getTableName(one)] : []))
  expect([...TABLES, ...OF_PROCESSES, 'slot'].toSorted()).toEqual(tables.toSorted())
})
