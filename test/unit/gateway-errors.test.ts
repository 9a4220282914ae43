import { expect, test } from 'vitest'
import { readError } from '../../src/client/http/read-reply.ts'
import { BursarError, type ErrorCode } from '../../src/errors.ts'
import { errorReply, nameError } from '../../src/gateway/error-reply.ts'
import { ERROR_STATUS } from '../../src/gateway/error-status.ts'
import { readHouse } from './house-cli-words.ts'

const NOW_MS = Date.UTC(2026, 10, 21, 12)
const union = readHouse('src/errors.ts').match(/type ErrorCode =\n((?: {2}\| '\w+'\n)+)/)?.[1] ?? ''
const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code as ErrorCode)

test('every error code has a status, and no other has', () => {
  expect(codes.length).toBeGreaterThan(30)
  expect(Object.keys(ERROR_STATUS).toSorted()).toEqual(codes.toSorted())
})

test.each(codes)('%s goes out with its status, and comes back as the same error', (code) => {
  const detail = { jobId: 'some-job', limitMs: 5 }
  const error = new BursarError(code, 'what to do', { retryable: true, detail })
  const { status, headers, body } = errorReply(error, NOW_MS)
  expect(status).toBeGreaterThanOrEqual(400)
  expect(headers).toEqual({ 'x-should-retry': 'true' })
  const back = readError(JSON.parse(JSON.stringify(body)), status)
  expect(back?.error).toMatchObject({ code, message: 'what to do', retryable: true, detail })
})

test.each([
  ['INVALID_REQUEST', 400, 'invalid_request_error'],
  ['REQUEST_TOO_LARGE', 413, 'invalid_request_error'],
  ['UNKNOWN_MODEL', 404, 'not_found_error'],
  ['RATE_LIMITED', 429, 'rate_limit_error'],
  ['BUDGET_EXHAUSTED', 429, 'insufficient_quota'],
  ['SLOT_CLOSED', 503, 'server_error'],
  ['STORE_UNAVAILABLE', 503, 'server_error'],
] as const)('%s is %i, %s', (code, status, type) => {
  const reply = errorReply(new BursarError(code, 'x'), NOW_MS)
  expect({ status: reply.status, type: reply.body.error.type }).toEqual({ status, type })
})

test.each([
  [{ retryAfterMs: 1_001 }, '2'],
  [{ retryAfterMs: 0 }, '1'],
  [{ resumesAt: new Date(NOW_MS + 90_000).toISOString() }, '90'],
  [{ resumesAt: 'soon' }, undefined],
  [{ resumesAt: null }, undefined],
  [{}, undefined],
])('%o says to come back in %s seconds', (detail, seconds) => {
  const { headers } = errorReply(new BursarError('BUDGET_EXHAUSTED', 'x', { detail }), NOW_MS)
  expect(headers).toEqual({
    'x-should-retry': 'false',
    ...(seconds !== undefined && { 'retry-after': seconds }),
  })
})

test('what nobody threw on purpose says nothing of itself, but where to look', () => {
  const named = nameError(new Error('secret'), 'req_1')
  expect(named).toMatchObject({ code: 'UNEXPECTED', detail: { requestId: 'req_1' } })
  expect(named.message).toContain('req_1')
  expect(JSON.stringify(errorReply(named, NOW_MS))).not.toContain('secret')
})
