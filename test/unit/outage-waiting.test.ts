import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ANSWER_WITHIN_MS, createGuard, type Guard } from '../../src/outage/guard.ts'
import { impatient } from '../../src/outage/impatient.ts'
import { createResults, type Results } from '../../src/queue/results.ts'

/** A second, from when a bounded command has timed out until who waits has heard. */
const TOLD_WITHIN_MS = 1_000
const PATIENCE_MS = 60_000

let guard: Guard
let results: Results
let redis: 'up' | 'frozen' | 'down'
let asked: number
let deliver: (job: string, result: string) => void
beforeEach(() => {
  vi.useFakeTimers()
  redis = 'up'
  asked = 0
  guard = createGuard()
  guard.probe(() => {
    asked += 1
    if (redis === 'frozen') return new Promise(() => {})
    return redis === 'up' ? Promise.resolve('PONG') : Promise.reject(new Error('refused'))
  })
  const store = {
    results: async (jobs: readonly string[]) => jobs.map(() => null),
    async onResult(_client: string, listener: typeof deliver) {
      deliver = listener
      return async () => {}
    },
  }
  results = impatient(createResults(store), guard)
})
afterEach(async () => {
  await results.close()
  guard.close()
  vi.useRealTimers()
})

/** Resolves with when it was told, ms since the test began to look. */
function toldAt(job: string): Promise<number> {
  const startedAtMs = Date.now()
  return results.expect(job, PATIENCE_MS).result.then(
    () => Number.NaN,
    () => Date.now() - startedAtMs,
  )
}

const opened = () =>
  new Promise<number>((resolve) => {
    const startedAtMs = Date.now()
    guard.onChange((isAway) => isAway && resolve(Date.now() - startedAtMs))
  })

test('who waits when Redis freezes hears of it though nobody asks it anything', async () => {
  const openedAt = opened()
  const told = toldAt('job-1')
  redis = 'frozen'
  await vi.advanceTimersByTimeAsync(10_000)
  expect((await told) - (await openedAt)).toBeLessThanOrEqual(TOLD_WITHIN_MS)
  expect(await told).toBeLessThanOrEqual(ANSWER_WITHIN_MS + TOLD_WITHIN_MS)
})

test('a Redis that is back before anybody was told costs nobody the answer', async () => {
  const { result } = results.expect('job-1', PATIENCE_MS)
  redis = 'frozen'
  while (guard.openSinceMs === null) await vi.advanceTimersByTimeAsync(10)
  redis = 'up'
  await vi.advanceTimersByTimeAsync(260)
  expect(guard.openSinceMs).toBeNull()
  await vi.advanceTimersByTimeAsync(5_000)
  deliver('job-1', 'answer')
  expect(await result).toBe('answer')
})

test('what was asked before Redis went says nothing of a Redis that is back', async () => {
  const told = toldAt('job-1')
  const changes: boolean[] = []
  guard.onChange((isAway) => void changes.push(isAway))
  redis = 'frozen'
  while (guard.openSinceMs === null) await vi.advanceTimersByTimeAsync(10)
  // It falls over and is started anew, while looks at the frozen one still wait for their time to end.
  redis = 'down'
  await vi.advanceTimersByTimeAsync(310)
  redis = 'up'
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await told).toBeLessThanOrEqual(ANSWER_WITHIN_MS + TOLD_WITHIN_MS)
  expect(changes).toEqual([true, false])
})

test('a Redis that takes as long as a command may is there', async () => {
  const { result } = results.expect('job-1', PATIENCE_MS)
  guard.probe(() => new Promise((resolve) => setTimeout(resolve, ANSWER_WITHIN_MS - 100)))
  await vi.advanceTimersByTimeAsync(5_000)
  expect(guard.openSinceMs).toBeNull()
  deliver('job-1', 'answer')
  expect(await result).toBe('answer')
})

test('nobody waits, nothing is asked', async () => {
  const { result } = results.expect('job-1', PATIENCE_MS)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(asked).toBeGreaterThan(0)
  deliver('job-1', 'answer')
  await result
  asked = 0
  await vi.advanceTimersByTimeAsync(5_000)
  expect(asked).toBe(0)
})
