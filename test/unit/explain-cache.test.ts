import { expect, test } from 'vitest'
import type { CacheAsked } from '../../src/cache/rules.ts'
import { explainCache } from '../../src/queue/explain-cache.ts'
import { CompletionJobSchema } from '../../src/queue/job.ts'
import { cacheFields } from '../../src/queue/job-cache.ts'
import { policyWith, request } from './cache-requests.ts'

const job = (asked: CacheAsked = {}) =>
  CompletionJobSchema.parse({
    ...{ v: 1, id: 'j1', stream: false, deadlineMs: 0, replyTo: '', enqueuedAtMs: 0, clockMs: 0 },
    ...request(),
    ...cacheFields(request(), asked, policyWith()),
  })

test('each end is told with its verdict and why, and nothing that was said', () => {
  const told: [object, string][] = []
  const logger = { info: (about: object, words: string) => void told.push([about, words]) }
  const explain = explainCache({ CACHE_DEBUG: true }, logger as never)
  explain?.(job(), 'cached')
  explain?.(job(), 'cached', true)
  explain?.(job(), 'joined')
  explain?.(job(), 'answered')
  explain?.(job(), 'refused')
  explain?.(job({ mode: 'write', share: 'user' }), 'answered')
  explain?.(job({ mode: 'off' }), 'answered')
  expect(told.map(([about]) => about)).toMatchObject([
    { verdict: 'hit', wall: 'tenant' },
    { verdict: 'stale' },
    { verdict: 'joined' },
    { verdict: 'miss', why: 'not-kept', ended: 'answered' },
    { verdict: 'miss', why: 'not-kept', ended: 'refused' },
    { verdict: 'miss', why: 'write', wall: 'user' },
    { verdict: 'off', why: 'asked', wall: null, key: null },
  ])
  expect(told.at(-1)?.[1]).toBe('cache off: not cached, because it asks for that itself')
  expect(JSON.stringify(told)).not.toContain('recursion')
})

test('nothing is worked out when nobody wants to know', () => {
  expect(explainCache({ CACHE_DEBUG: false }, { info() {} })).toBeUndefined()
})
