import { expect, test } from 'vitest'
import type { SettleCommand } from '../../src/admission/commands.ts'
import type { AnswerShelf } from '../../src/cache/invalidation/answer-shelf.ts'
import { dropAnswers } from '../../src/cache/invalidation/drop-answers.ts'
import { answersOnEvents } from '../../src/cache/invalidation/events.ts'
import { labelOf, labelOfTag, USER } from '../../src/cache/invalidation/labels.ts'
import { memoryAnswers } from '../../src/cache/invalidation/memory-answers.ts'
import { createKeeper } from '../../src/cache/responses/keeper.ts'
import { tenantHash, wallOf, writeKey } from '../../src/cache/walls.ts'
import { BursarError } from '../../src/errors.ts'
import { withFiled } from '../../src/queue/file-answer.ts'
import { CompletionJobSchema, type LoadedJob } from '../../src/queue/job.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { policyWith, request } from './cache-requests.ts'

const ann = { tenant: 'acme', user: 'ann' }
const hashOf = (digit: string) => digit.repeat(64)
const KEYS = {
  shared: writeKey(wallOf('shared', ann), hashOf('0')),
  acme: writeKey(wallOf('tenant', ann), hashOf('1')),
  own: writeKey(wallOf('user', ann), hashOf('2')),
  bobs: writeKey(wallOf('user', { ...ann, user: 'bob' }), hashOf('3')),
  other: writeKey(wallOf('tenant', { ...ann, tenant: 'other' }), hashOf('4')),
}

/** A shelf with one answer behind each kind of wall. */
function shelfOf(now = { ms: 0 }) {
  const kept = new Map(Object.values(KEYS).map((key) => [key, { text: 'x', untilMs: 1_000 }]))
  return { kept, shelf: memoryAnswers(kept, () => now.ms) }
}
const left = (kept: ReadonlyMap<string, unknown>) =>
  Object.entries(KEYS).flatMap(([name, key]) => (kept.has(key) ? [name] : []))

test('a tenant’s answers are those behind its walls, and no other’s', async () => {
  const { kept, shelf } = shelfOf()
  expect(await dropAnswers(shelf, { tenant: 'acme' })).toBe(3)
  expect(left(kept)).toEqual(['shared', 'other'])
})

test('a user’s answers are the own ones, and those that are filed under the user', async () => {
  const { kept, shelf } = shelfOf()
  const wall = tenantHash('acme')
  await shelf.file({ key: KEYS.acme, wall, labels: [labelOf(USER, 'ann')], ttlMs: 1_000 })
  expect(await dropAnswers(shelf, ann)).toBe(2)
  expect(left(kept)).toEqual(['shared', 'bobs', 'other'])
  expect(await dropAnswers(shelf, {})).toBe(3)
})

test('no name and value make the label of others', () => {
  expect(labelOfTag('course=7')).toBe(labelOf('course', '7'))
  expect(labelOfTag('a=b=c')).toBe(labelOf('a', 'b=c'))
  expect(labelOf('a', 'b=c')).not.toBe(labelOf('a=b', 'c'))
})

test('what an event ends while nobody can be asked is dropped as soon as somebody can', async () => {
  const { kept, shelf } = shelfOf()
  let isAway = true
  const flaky: AnswerShelf = {
    ...shelf,
    async *keys(pattern) {
      if (isAway) throw new BursarError('STORE_UNAVAILABLE', 'away', { retryable: true })
      yield* shelf.keys(pattern)
    },
  }
  const policy = policyWith('{ responses: { invalidate_on: [course.changed] } }')
  const onEvent = answersOnEvents(
    flaky,
    async () => policy,
    () => 'acme',
    1,
  )
  expect(await onEvent('nobody.listens', {})).toBeNull()
  expect(await onEvent('course.changed', { tenant: 'acme' })).toBeNull()
  expect(left(kept)).toHaveLength(5)
  isAway = false
  await expect.poll(() => left(kept)).toEqual(['shared', 'other'])
})

test('an answer that cannot be filed is not kept, and its call is settled all the same', async () => {
  const command: SettleCommand = {
    ...{ attempt: 'a', job: 'j', kind: 'settled', holdNano: 1, costNano: 1, tokens: 1 },
    ...{ atMs: 0, windows: [], meta: '', detail: '', conclusion: null, gate: null },
    cache: { key: KEYS.acme, body: 'x', ttlMs: 1_000 },
  }
  const job: LoadedJob = {
    ...CompletionJobSchema.parse({
      ...{ v: 1, id: 'j1', stream: false, deadlineMs: 0, replyTo: '', enqueuedAtMs: 0, clockMs: 0 },
      ...{ ...request(), cacheKey: KEYS.acme },
    }),
    ...{ body: request().body, bodyKept: false },
  }
  const logger = createLogger({ level: 'silent', name: 'test' })
  const { shelf } = shelfOf()
  const filed: string[] = []
  const working: AnswerShelf = {
    ...shelf,
    file: async ({ labels }) => void filed.push(...labels),
  }
  const broken: AnswerShelf = { ...shelf, file: () => Promise.reject(new Error('full')) }
  const policy = policyWith('{ responses: { index_tags: true } }')
  const keeper = createKeeper(null)
  const fileIn = (answerShelf: AnswerShelf, by = policy) =>
    withFiled(job, command, by, { answerShelf, keeper, logger })
  expect(await fileIn(broken)).toEqual({ ...command, cache: null })
  expect(await fileIn(broken, policyWith())).toBe(command)
  expect(await fileIn(working)).toBe(command)
  expect(filed).toContain(labelOf(USER, request().user))
})
