import { expect, it } from 'vitest'
import type { Policy } from '../../src/config/policy-types.ts'
import { createIdSource, newAttemptId } from '../../src/queue/ids.ts'
import { readRequest } from '../../src/queue/request.ts'

const tier = (name: string) => ({
  name,
  requests: null,
  budget: null,
  ladder: 'l',
  models: [],
  onExhausted: 'refuse' as const,
})
const policy: Policy = {
  version: 1,
  timezone: 'UTC',
  identity: { defaultTenant: 'home', defaultTier: 'basic', users: { rich: 'premium' } },
  defaults: {
    maxOutputTokens: 100,
    minOutputTokens: 10,
    execute: 'queue',
    outage: 'refuse',
    attempts: 3,
    maxBodyBytes: 1_000,
  },
  tiers: { basic: tier('basic'), premium: tier('premium') },
  budgets: [],
  limits: [],
  ladders: { l: [] },
  providers: {},
  prices: [],
  multipliers: { batch: 50, flex: 50, priority: 200 },
  cache: { responses: { enabled: true, ttlMs: 1 } },
}

const messages = [{ role: 'user', content: 'hi' }]
const read = (input: object) => readRequest(input, policy, 1_000)
const codeOf = (input: object): unknown => {
  try {
    return read(input)
  } catch (error) {
    return error
  }
}

it('splits ours from the OpenAI body, and passes on what it does not know', () => {
  const { request } = read({
    user: 'u',
    model: 'auto',
    messages,
    temperature: 0,
    brand_new_field: { deep: true },
    tags: { feature: 'tutor' },
  })
  expect(request.body).toEqual({ messages, temperature: 0, brand_new_field: { deep: true } })
  expect(request).toMatchObject({
    user: 'u',
    tenant: 'home',
    tier: 'basic',
    operation: 'chat.completions',
    urgency: 'interactive',
    tags: { feature: 'tutor' },
  })
})

it('a user has the tier of the policy, unless the request names one; no name reaches a prototype', () => {
  expect(read({ user: 'rich', model: 'auto', messages }).request.tier).toBe('premium')
  expect(read({ user: 'rich', tier: 'basic', model: 'auto', messages }).request.tier).toBe('basic')
  expect(read({ user: 'constructor', model: 'auto', messages }).request.tier).toBe('basic')
  expect(codeOf({ user: 'u', tier: 'toString', model: 'auto', messages })).toMatchObject({
    code: 'UNKNOWN_TIER',
  })
})

it.each([
  [500, 1_500],
  [new Date(5_000), 5_000],
  ['1970-01-01T00:00:09Z', 9_000],
])('reads the deadline %s', (deadline, deadlineMs) => {
  expect(read({ user: 'u', model: 'auto', messages, deadline }).options.deadlineMs).toBe(deadlineMs)
})

it.each([
  ['embeddings by the model’s name', { model: 'text-embedding-3-small', input: 'x' }, 'embeddings'],
  ['what is said', { model: 'auto', input: 'x', operation: 'responses' }, 'responses'],
])('takes %s', (_, input, operation) => {
  expect(read({ user: 'u', ...input }).request.operation).toBe(operation)
})

const manyTags = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`tag${i}`, 'x']))
const cycle: Record<string, unknown> = {}
cycle.self = cycle

it.each([
  ['a cycle', { messages: [{ role: 'user', content: cycle }] }, /nested deeper/],
  ['a BigInt', { messages, seed: 1n }, /request\.seed is a bigint/],
  ['NaN', { messages, temperature: Number.NaN }, /request\.temperature is NaN/],
  ['half a character', { messages: [{ role: 'user', content: '\ud83d' }] }, /half a character/],
  ['a streaming flag', { messages, stream: true }, /call stream\(\)/],
  ['digits as a job id', { messages, jobId: '1234567890' }, /digits alone/],
  ['a flood of tags', { messages, tags: manyTags }, /at most 32 tags/],
  ['a colon in a job id', { messages, jobId: 'a:bcdefgh' }, /jobId/],
])('refuses %s and says where', (_, input, message) => {
  expect(codeOf({ user: 'u', model: 'auto', ...input })).toMatchObject({
    code: 'INVALID_REQUEST',
    message: expect.stringMatching(message),
  })
})

it('refuses a body over the limit with both sizes', () => {
  const big = [{ role: 'user', content: 'x'.repeat(2_000) }]
  expect(codeOf({ user: 'u', model: 'auto', messages: big })).toMatchObject({
    code: 'REQUEST_TOO_LARGE',
    detail: { maxBytes: 1_000 },
  })
})

it('job ids sort by time, also within one millisecond and when the clock steps back', () => {
  const times = [5, 5, 5, 4, 6]
  const next = createIdSource(() => times.shift() ?? 7)
  const ids = Array.from({ length: 6 }, next)
  expect(ids.toSorted()).toEqual(ids)
  expect(new Set(ids).size).toBe(6)
  expect(ids.every((id) => /^[0-9A-HJKMNP-TV-Z]{26}$/.test(id))).toBe(true)
})

it('attempt ids carry their job and are never drawn twice', () => {
  const ids = new Set(Array.from({ length: 1_000 }, () => newAttemptId('J')))
  expect(ids.size).toBe(1_000)
  const uuid = /^J\/[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/
  expect([...ids].every((id) => uuid.test(id))).toBe(true)
})
