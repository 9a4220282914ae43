import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { BursarError } from '../../src/errors.ts'
import { ANSWER_WITHIN_MS, createGuard, type Guard } from '../../src/outage/guard.ts'

const away = () =>
  Promise.reject(new BursarError('STORE_UNAVAILABLE', 'no Redis', { retryable: true }))
const silent = () => new Promise<never>(() => {})

let guard: Guard
let isUp: boolean
const told: string[] = []
beforeEach(() => {
  vi.useFakeTimers()
  isUp = false
  told.length = 0
  guard = createGuard({
    onAway: (reason) => told.push(`away: ${reason}`),
    onBack: () => told.push('back'),
  })
  guard.probe(async () => (isUp ? 'PONG' : away()))
})
afterEach(() => {
  guard.close()
  vi.useRealTimers()
})

const open = async () => {
  for (let i = 0; i < 3; i++) await guard.run(away).catch(() => {})
}

test('after three failures nobody waits, and it is told once', async () => {
  await open()
  const work = vi.fn(away)
  for (let i = 0; i < 50; i++) {
    await expect(guard.run(work)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      retryable: true,
      detail: { retryAfterMs: 1_000 },
    })
  }
  expect(work).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(told).toEqual(['away: no Redis'])
})

test('it finds out by itself when Redis is back, and tells that once', async () => {
  await open()
  expect(guard.openSinceMs).not.toBeNull()
  isUp = true
  await vi.advanceTimersByTimeAsync(1_000)
  expect(guard.openSinceMs).toBeNull()
  expect(await guard.run(async () => 'served')).toBe('served')
  expect(told).toEqual(['away: no Redis', 'back'])
})

test('what does not answer is refused in time, and what answers late changes nothing', async () => {
  const refused = expect(guard.run(silent)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  await vi.advanceTimersByTimeAsync(ANSWER_WITHIN_MS + 1)
  await refused
})

test('one failure of somebody who asks rarely is enough to find out', async () => {
  await guard.run(away).catch(() => {})
  expect(guard.openSinceMs).toBeNull()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(guard.openSinceMs).not.toBeNull()
})

test('one failure of a Redis that is there opens nothing', async () => {
  isUp = true
  for (let i = 0; i < 10; i++) {
    await guard.run(away).catch(() => {})
    await vi.advanceTimersByTimeAsync(1_000)
  }
  expect(told).toEqual([])
})

test('other errors say nothing about Redis', async () => {
  const refuse = () => Promise.reject(new BursarError('RATE_LIMITED', 'slow down'))
  for (let i = 0; i < 10; i++) {
    await expect(guard.run(refuse)).rejects.toMatchObject({ code: 'RATE_LIMITED' })
  }
  expect(guard.openSinceMs).toBeNull()
})

test('failures count in a row: an answer in between begins anew', async () => {
  const answer = async () => 'here'
  for (let i = 0; i < 5; i++) {
    await guard.run(away).catch(() => {})
    await guard.run(away).catch(() => {})
    expect(await guard.run(answer)).toBe('here')
  }
  expect(told).toEqual([])
})

test('an answer to what was asked before Redis went does not bring it back', async () => {
  let answer = (_text: string) => {}
  const late = guard.run(() => new Promise<string>((resolve) => (answer = resolve)))
  await open()
  answer('here')
  expect(await late).toBe('here')
  await expect(guard.run(async () => 'again')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
})

test('of many that wait each is refused in its own time, and those that were answered are not', async () => {
  const ends: string[] = []
  const ask = (name: string, work: () => Promise<unknown>) =>
    guard.run(work).then(
      () => ends.push(`${name} answered`),
      () => ends.push(`${name} refused`),
    )
  let answer = (_text: string) => {}
  void ask('first', silent)
  void ask('second', () => new Promise<string>((resolve) => (answer = resolve)))
  await vi.advanceTimersByTimeAsync(ANSWER_WITHIN_MS / 2)
  void ask('third', silent)
  answer('here')
  await vi.advanceTimersByTimeAsync(ANSWER_WITHIN_MS / 2 + 50)
  expect(ends).toEqual(['second answered', 'first refused'])
  await vi.advanceTimersByTimeAsync(ANSWER_WITHIN_MS / 2)
  expect(ends).toEqual(['second answered', 'first refused', 'third refused'])
})
