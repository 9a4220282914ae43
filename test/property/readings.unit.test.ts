import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { budgetChain } from '../../src/admission/plan/window-lines.ts'
import type { CacheOption } from '../../src/cache/asked.ts'
import { createReadings } from '../../src/client/readings.ts'
import type { Request } from '../../src/client/types.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { withBody, withKey, withRequestId } from '../../src/queue/asked-with.ts'
import { exactText } from '../../src/queue/exact-text.ts'
import { cacheFields } from '../../src/queue/job-cache.ts'
import { readRequest } from '../../src/queue/request.ts'
import { termsOf } from '../../src/queue/terms.ts'
import { policyWith } from '../unit/cache-requests.ts'
import { request as planned, policyOf } from '../unit/plan-policy.ts'

const MOST = 10_000
const NOW_MS = Date.UTC(2026, 10, 21, 14)
const policy = policyWith()
const rules = { policy, prices: createPriceBook(policy) }

/** Few words and few names, so that equal and nearly equal values are common; all that JSON writes alike is there. */
const leaf = fc.constantFrom(
  '',
  'a',
  '1',
  '"1:a',
  1,
  11,
  1.5,
  true,
  false,
  null,
  undefined,
  Number.NaN,
)
const name = fc.constantFrom('a', 'b', '1', '', 'ab')
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}))

/** Pairs that run into each other where a form does not say how long it is. */
const run = fc.constantFrom('a', 'a"b', 'b"', '', 'aT', 'T')
const pairs = fc.oneof(
  fc.tuple(value, value),
  fc.tuple(fc.tuple(run, run), fc.tuple(run, run)),
  fc.tuple(
    fc.constantFrom(null, undefined, Number.NaN),
    fc.constantFrom(null, undefined, Number.NaN),
  ),
)

// Red when a length is left out of any form, or NaN is written as null.
test('two values have one text only when nothing tells them apart', () => {
  const law = fc.property(pairs, ([one, other]) => {
    if (exactText(one, MOST) === exactText(other, MOST)) expect(one).toEqual(other)
    if (isDeepStrictEqual(one, other)) expect(exactText(one, MOST)).not.toBeNull()
  })
  fc.assert(law, { numRuns: 2_000 })
})

test.each([
  ['a date', new Date(0)],
  ['a function', { a: () => 1 }],
  ['a bigint', [1n]],
  ['an object that writes itself', { toJSON: () => 'x' }],
  ['a map', new Map()],
  ['too long a text', 'x'.repeat(MOST + 1)],
  ['too long in sum', ['x'.repeat(MOST / 2), 'x'.repeat(MOST / 2)]],
])('%s has none', (_, what) => {
  expect(exactText({ what }, MOST)).toBeNull()
})

const request: fc.Arbitrary<Request> = fc.record(
  {
    user: fc.constantFrom('u1', 'u2'),
    tenant: fc.constantFrom('acme', 'globex'),
    tier: fc.constantFrom('basic', 'premium'),
    model: fc.constantFrom('auto', 'gpt-6-sol'),
    private: fc.boolean(),
    cache: fc.constantFrom<CacheOption>(true, false, 'read', { ttl: '10m' }),
    tags: fc.constantFrom({}, { feature: 'tutor' }),
    temperature: fc.constantFrom(0, 0.5),
    messages: fc.array(
      fc.record({
        role: fc.constantFrom('user' as const, 'system' as const),
        content: fc.constantFrom('Explain recursion', 'Explain loops', 'What time is it?'),
      }),
      { minLength: 1, maxLength: 2 },
    ),
  },
  { requiredKeys: ['user', 'model', 'messages'] },
)
type Note = (asked: Request) => Request
/** Nothing of it stands in the JSON of a request. */
const NOTES: readonly Note[] = [
  (asked) => asked,
  (asked) => withKey(asked, 'k1'),
  (asked) => withKey(asked, 'k2'),
  (asked) => withRequestId(asked, 'r1'),
  (asked) => withBody(asked, { messages: [{ role: 'user', content: 'Explain loops' }] }),
  (asked) => withBody(asked, { messages: [{ role: 'user', content: 'Explain loops' }], n: 2 }),
]
/** Requests that differ in one field and one note, more often than not. */
const alike = fc
  .tuple(request, fc.array(fc.tuple(request, fc.constantFrom(...NOTES)), { minLength: 2 }))
  .map(([first, others]) =>
    others.map(([other, note], at) => {
      const fields = Object.entries(other)
      const [name, changed] = fields[at % fields.length] ?? ['user', 'u1']
      return note(at % 3 === 0 ? { ...first, [name]: changed } : first)
    }),
  )

const INPUT: Request = { user: 'u1', model: 'auto', messages: [{ role: 'user', content: 'a' }] }

const anew = (input: Request) => {
  const { request: read, options } = readRequest(input, policy, NOW_MS)
  return { request: read, options, fields: cacheFields(read, options.cache, policy) }
}

// Law 9. Red when the words leave out the key, the body that stands apart, or any field of the request.
test('what was read before is read as it is read anew, whatever else was', () => {
  const law = fc.property(alike, (asked) => {
    const readings = createReadings()
    for (const input of asked) {
      const { request: read, options, terms, keep } = readings.read(input, rules, NOW_MS)
      keep()
      expect({ request: read, options, fields: terms.fields }).toEqual(anew(input))
    }
  })
  fc.assert(law, { numRuns: 150 })
})

test('a request that its app has changed since is another one, and its body is always its own', () => {
  const readings = createReadings()
  const messages = [{ role: 'user' as const, content: 'Explain recursion' }]
  const input = { user: 'u1', model: 'auto', messages }
  const before = readings.read(input, rules, NOW_MS)
  before.keep()
  expect(readings.read(input, rules, NOW_MS).terms).toBe(before.terms)
  messages.push({ role: 'user', content: 'And loops' })
  const after = readings.read(input, rules, NOW_MS)
  expect(after.terms.fields).not.toEqual(before.terms.fields)
  expect(after.request.body).toEqual({ messages })
})

test('nothing is remembered past its rules, nor of what changes with the moment', () => {
  const readings = createReadings()
  const first = readings.read(INPUT, rules, NOW_MS)
  first.keep()
  expect(readings.read(INPUT, { ...rules }, NOW_MS).terms).not.toBe(first.terms)
  const due = { ...INPUT, deadline: 1_000 }
  readings.read(due, rules, NOW_MS).keep()
  expect(readings.read(due, rules, NOW_MS + 5).options.deadlineMs).toBe(NOW_MS + 1_005)
})

// Red when a moment lasts past the end of one of its windows.
test('windows roll under what is remembered', () => {
  const own = policyOf()
  const terms = termsOf(planned(), { ...anew(INPUT).options }, { ...rules, policy: own })
  const keysAt = (nowMs: number) => terms.at(planned(), nowMs).windows.map(({ key }) => key)
  const hour = 3_600_000
  const fresh = (nowMs: number) => budgetChain(own, planned(), nowMs).map(({ key }) => key)
  for (const nowMs of [NOW_MS, NOW_MS + 30_000, NOW_MS + hour, NOW_MS + hour - 1, NOW_MS]) {
    expect(keysAt(nowMs)).toEqual(fresh(nowMs))
  }
})
