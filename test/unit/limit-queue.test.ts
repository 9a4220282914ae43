import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLimitQueue } from '../../src/queue/limit-queue.ts'

const NOW = 1_000_000
const place = (job: string, amount = 1) => ({ job, amount, everyMs: 100, mostMs: 60_000 })

test('whoever waits for the same comes back one after the other, as it lets them through', () => {
  const queue = createLimitQueue(() => {})
  const backs = ['a', 'b', 'c'].map((job) => queue.join('tpm', place(job), NOW + 500, NOW))
  expect(backs).toEqual([NOW + 500, NOW + 600, NOW + 700])
  expect(queue.join('lanes', place('d'), NOW + 500, NOW)).toBe(NOW + 500)
  // Found full again: behind those that wait.
  expect(queue.join('tpm', place('a'), NOW + 550, NOW + 500)).toBe(NOW + 800)
})

test('nobody waits longer than is said: beyond that they are spread', () => {
  const queue = createLimitQueue(
    () => {},
    () => 0.25,
  )
  const backs = Array.from({ length: 1_000 }, (_, i) => queue.join('tpm', place(`j${i}`), NOW, NOW))
  expect(Math.max(...backs)).toBe(NOW + 60_000)
  expect(backs.at(-1)).toBe(NOW + 45_000)
})

test('room that comes back wakes as many as it is enough for, who came first first', () => {
  const woken: string[] = []
  const queue = createLimitQueue((jobs) => woken.push(...jobs))
  for (const job of ['a', 'b', 'c', 'd']) queue.join('tpm', place(job, 10), NOW + 5_000, NOW)
  queue.freed('tpm', 9, NOW)
  expect(woken).toEqual([])
  queue.freed('tpm', 1, NOW)
  expect(woken).toEqual(['a'])
  queue.freed('tpm', 25, NOW)
  expect(woken).toEqual(['a', 'b', 'c'])
  queue.freed('other', 100, NOW)
  expect(woken).toHaveLength(3)
})

test('no job is woken twice for one wait, and none is promised more than came back', () => {
  const step = fc.oneof(
    fc.record({ join: fc.integer({ min: 0, max: 9 }), amount: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ freed: fc.integer({ min: 1, max: 6 }) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const amounts = new Map<string, number>()
      let room = 0
      const queue = createLimitQueue((jobs) => {
        for (const job of jobs) {
          room -= amounts.get(job) ?? Number.NaN
          amounts.delete(job)
        }
      })
      for (const one of steps) {
        if ('freed' in one) {
          room += one.freed
          queue.freed('x', one.freed, NOW)
        } else {
          const job = `j${one.join}`
          amounts.set(job, one.amount)
          queue.join('x', { ...place(job, one.amount) }, NOW + 9e6, NOW)
        }
        expect(room).toBeGreaterThanOrEqual(0)
      }
    }),
  )
})
