import { expect, test } from 'vitest'
import type { CacheAsked } from '../../src/cache/rules.ts'
import type { Policy } from '../../src/config/policy-types.ts'
import { CompletionJobSchema } from '../../src/queue/job.ts'
import { cacheFields, joinedKey, keptUnder, servedKey } from '../../src/queue/job-cache.ts'
import { policyWith, request } from './cache-requests.ts'

const policy = policyWith()

/** A job as it arrives at a worker: through the queue. */
function jobOf(asked: CacheAsked = {}, under: Policy = policy) {
  const job = CompletionJobSchema.parse({
    ...{ v: 1, id: 'j1', stream: false, deadlineMs: 0, replyTo: '', enqueuedAtMs: 0, clockMs: 0 },
    ...request(),
    ...cacheFields(request(), asked, under),
  })
  return { ...job, body: request().body }
}

test('a job that asks for nothing carries its key alone', () => {
  const { cacheKey, ...rest } = cacheFields(request(), {}, policy)
  expect(cacheKey).toMatch(/^[0-9a-f]{16}:[0-9a-f]{64}$/)
  expect(rest).toEqual({})
})

test('its answer is kept under the key that it was asked by, as long as it asked for', () => {
  const job = jobOf({ ttlMs: 60_000, share: 'user' })
  expect(keptUnder(job, policy)).toEqual({ key: job.cacheKey, ttlMs: 60_000 })
  expect(keptUnder(jobOf(), policy)).toEqual({ key: jobOf().cacheKey, ttlMs: 3_600_000 })
})

// Red when the key of intake is believed: the answer of a rung would stand where that rung is not agreed to.
test('what was asked under another policy is kept only where that means the same', () => {
  const job = jobOf()
  const { ladders } = policy
  const other = { ...policy, ladders: { ...ladders, standard: ladders.top ?? [] } }
  expect(keptUnder(job, other)).toBeNull()
  expect(keptUnder(job, policyWith('{ responses: { share: user } }'))).toBeNull()
  expect(keptUnder(job, policyWith('{ responses: { prefix: v2 } }'))).toBeNull()
  expect(keptUnder(job, policyWith('{ responses: { enabled: false } }'))).toBeNull()
  expect(keptUnder(job, policyWith('{ responses: { max_temperature: 0.1 } }'))).toBeNull()
  expect(keptUnder(job, policyWith('{ responses: { ttl: 5m } }'))).toMatchObject({
    ttlMs: 300_000,
  })
  // The mode is what intake made of both.
  expect(keptUnder(job, policyWith('{ responses: { mode: off } }'))).not.toBeNull()
  const reading = jobOf({}, policyWith('{ responses: { mode: read } }'))
  expect(keptUnder(reading, policy)).toBeNull()
})

test.each([
  ['on', true, true, true],
  ['read', true, false, false],
  ['write', false, true, false],
  ['refresh', false, true, false],
  ['only', true, false, false],
  ['off', false, false, false],
] as const)('mode %s: served %s, kept %s, joined %s', (mode, served, kept, joined) => {
  const job = jobOf({ mode })
  expect(servedKey(job) !== null).toBe(served)
  expect(keptUnder(job, policy) !== null).toBe(kept)
  expect(joinedKey(job) !== null).toBe(joined)
})

test('why a job has no key travels with it', () => {
  expect(jobOf({ mode: 'off' })).toMatchObject({ cacheKey: null, cacheOff: 'asked' })
  const none = policyWith('{ responses: { enabled: false } }')
  expect(jobOf({ mode: 'only' }, none)).toMatchObject({
    cacheOff: 'policy',
    cache: { mode: 'only' },
  })
})
