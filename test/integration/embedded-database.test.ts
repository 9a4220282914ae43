import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { DelayedError } from 'bullmq'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { jobData } from './embedded-job.ts'
import { completions, openBench, openOnPglite } from './embedded-places.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-embedded-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('parked and waiting jobs go on after the folder was closed and opened again', async () => {
  const before = await openOnPglite(folder)
  const first = openBench(before, 'batch')
  const parked = await first.add({ priority: 7, attempts: 1 })
  const resumeAtMs = Date.now() + 2_000
  let toldParked = () => {}
  const isParked = new Promise<void>((resolve) => {
    toldParked = resolve
  })
  const parking = first.work(async (job, token) => {
    await job.moveToDelayed(resumeAtMs, token)
    toldParked()
    throw new DelayedError()
  })
  await isParked
  await parking.close()
  const waiting = await first.add({ priority: 9 })
  await first.close()
  await before.close()

  const after = await openOnPglite(folder)
  const second = openBench(after, 'batch')
  expect(await second.queue.getJob(parked)).toMatchObject({ attemptsStarted: 1, priority: 7 })
  const jobs = await completions(
    second.work(async () => {}),
    2,
  )
  expect(jobs.map((job) => job.id).sort()).toEqual([parked, waiting].sort())
  const resumed = jobs.find((job) => job.id === parked)
  expect(resumed).toMatchObject({ attemptsStarted: 2, attemptsMade: 1 })
  expect(resumed?.processedOn).toBeGreaterThanOrEqual(resumeAtMs)
  await second.close()
  await after.close()
})

test('a backlog of 2,000 jobs leaves timers and sockets running', {
  timeout: 180_000,
}, async () => {
  const place = await openOnPglite(null)
  const bench = openBench(place, 'interactive')
  const delay = monitorEventLoopDelay({ resolution: 5 })
  const ids = Array.from({ length: 2_000 }, (_, n) => `backlog-${n}`)
  delay.enable()
  await Promise.all(
    ids.map((id) => bench.queue.add('completion', jobData(id), { jobId: id, priority: 5 })),
  )
  await completions(
    bench.work(async () => {}, { concurrency: 8 }),
    2_000,
  )
  delay.disable()
  expect(delay.percentile(99) / 1e6).toBeLessThan(300)
  await bench.close()
  await place.close()
})
