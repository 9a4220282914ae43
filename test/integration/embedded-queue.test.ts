import { once } from 'node:events'
import { DelayedError, UnrecoverableError, WaitingError } from 'bullmq'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Bench, completions, openBench, PLACES, type Place } from './embedded-places.ts'

describe.each(PLACES)('queues in $name', ({ open }) => {
  let place: Place
  let bench: Bench
  beforeAll(async () => {
    place = await open()
  })
  afterAll(() => place.close())
  beforeEach(() => {
    bench = openBench(place)
  })
  afterEach(() => bench.close())

  test('a job is added once, taken and finished', async () => {
    const id = await bench.add()
    await bench.queue.add('again', (await bench.queue.getJob(id))?.data ?? never(), { jobId: id })
    expect(await bench.queue.getJobCountByTypes('prioritized', 'waiting')).toBe(1)
    const worker = bench.work(async (job) => {
      expect(job.data.id).toBe(id)
    })
    const [job] = await completions(worker, 1)
    expect(job).toMatchObject({ id, attemptsMade: 1, attemptsStarted: 1, stalledCounter: 0 })
    expect(await bench.queue.getCompletedCount()).toBe(1)
  })

  test('lower numbers are served first, equals in order of arrival', async () => {
    const ids: string[] = []
    for (const priority of [30, 10, 20, 10]) ids.push(await bench.add({ priority }))
    const jobs = await completions(
      bench.work(async () => {}),
      4,
    )
    expect(jobs.map((job) => job.id)).toEqual([ids[1], ids[3], ids[2], ids[0]])
  })

  test('a parked job comes back at its time and has used no attempt', async () => {
    const resumeAtMs = Date.now() + 300
    await bench.add({ attempts: 1 })
    const worker = bench.work(async (job, token) => {
      if (job.attemptsStarted > 1) return
      await job.moveToDelayed(resumeAtMs, token)
      throw new DelayedError()
    })
    const [job] = await completions(worker, 1)
    expect(job).toMatchObject({ attemptsMade: 1, attemptsStarted: 2 })
    expect(job?.processedOn).toBeGreaterThanOrEqual(resumeAtMs)
  })

  test('a job that was given back waits for the next worker', async () => {
    const id = await bench.add({ attempts: 1 })
    let given = () => {}
    const back = new Promise<void>((resolve) => {
      given = resolve
    })
    const first = bench.work(async (job, token) => {
      void first.pause(true)
      await job.moveToWait(token)
      given()
      throw new WaitingError()
    })
    await back
    await first.close()
    const [job] = await completions(
      bench.work(async () => {}),
      1,
    )
    expect(job).toMatchObject({ id, attemptsMade: 1, attemptsStarted: 2 })
  })

  test('a failed job is tried again after the delay that its error asks for, as often as it may', async () => {
    await bench.add({ attempts: 3 })
    const takenAtMs: number[] = []
    const worker = bench.work(
      async () => {
        takenAtMs.push(Date.now())
        throw new Error(String(takenAtMs.length))
      },
      { settings: { backoffStrategy: (_made, _type, error) => Number(error?.message) * 100 } },
    )
    const failed = new Promise((resolve) => {
      worker.on('failed', (job) => job?.attemptsMade === 3 && resolve(job))
    })
    expect(await failed).toMatchObject({ failedReason: '3' })
    const [first = 0, second = 0, third = 0] = takenAtMs
    expect(second - first).toBeGreaterThanOrEqual(99)
    expect(third - second).toBeGreaterThanOrEqual(199)
  })

  test('a waiting job can be removed, one in hands cannot', async () => {
    const [gone, inHands] = [await bench.add(), await bench.add()]
    expect(await bench.queue.remove(gone)).toBe(1)
    let removed: number | undefined
    const worker = bench.work(async (job) => {
      removed = await bench.queue.remove(job.id ?? '')
    })
    const [job] = await completions(worker, 1)
    expect([job?.id, removed]).toEqual([inHands, 0])
    expect(await bench.queue.getJobCountByTypes('prioritized', 'waiting', 'active')).toBe(0)
  })

  test('a running job is told that it is cancelled, and why', async () => {
    const id = await bench.add()
    const worker = bench.work(async (job, _token, signal) => {
      const aborted = once(signal ?? never(), 'abort')
      worker.cancelJob(job.id ?? '', 'no longer wanted')
      await aborted
      throw new UnrecoverableError(String(signal?.reason))
    })
    const [job] = await once(worker, 'failed')
    expect(job).toMatchObject({ id, attemptsMade: 1 })
    expect(job.failedReason).toContain('no longer wanted')
    expect(worker.cancelJob('nobody')).toBe(false)
  })

  test('parked jobs that are promoted wake a worker that waits', async () => {
    for (let n = 0; n < 3; n += 1) await bench.add()
    let parked = () => {}
    const allParked = new Promise<void>((resolve) => {
      parked = resolve
    })
    let count = 0
    const worker = bench.work(async (job, token) => {
      if (job.attemptsStarted > 1) return
      await job.moveToDelayed(Date.now() + 3_600_000, token)
      count += 1
      if (count === 3) parked()
      throw new DelayedError()
    })
    const done = completions(worker, 3)
    await allParked
    expect(await bench.queue.getDelayedCount()).toBe(3)
    await bench.queue.promoteJobs()
    expect((await done).map((job) => job.attemptsStarted)).toEqual([2, 2, 2])
  })

  test('a job of a worker that went silent is taken over, and the late one cannot finish it', async () => {
    const id = await bench.add()
    let wake = () => {}
    const silent = bench.work(() => new Promise<void>((resolve) => (wake = resolve)), {
      ...{ lockDuration: 300, skipLockRenewal: true, skipStalledCheck: true },
    })
    await once(silent, 'active')
    const other = bench.work(async () => {}, { stalledInterval: 100 })
    const [job] = await completions(other, 1)
    expect(job).toMatchObject({ id, attemptsMade: 1, attemptsStarted: 2 })
    let finishedLate = false
    silent.on('completed', () => {
      finishedLate = true
    })
    wake()
    await silent.close()
    expect(finishedLate).toBe(false)
    expect(await bench.queue.getCompletedCount()).toBe(1)
  })

  test('a job wakes a worker that waits', async () => {
    const worker = bench.work(async () => {})
    await worker.waitUntilReady()
    for (let n = 0; n < 5; n += 1) {
      const done = completions(worker, 1)
      await bench.add()
      await done
    }
  })
})

function never(): never {
  throw new Error('this cannot be')
}
