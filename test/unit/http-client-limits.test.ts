import { expect, test } from 'vitest'
import { createHttpClient } from '../../src/client/http/index.ts'

/** A client of something in front of the gateway that answers so. */
const clientOf = (status: number, headers: Record<string, string>, body = '') =>
  createHttpClient({
    url: 'http://127.0.0.1:1',
    fetch: async () => new Response(body, { status, headers }),
  })
const failing = async (status: number, headers: Record<string, string>, body?: string) => {
  const asked = clientOf(status, headers, body).quota({ user: 'u42' })
  return asked.then(
    () => null,
    (error: unknown) => error,
  )
}

test.each([
  ['seconds', '7', 7_000],
  ['a date that has passed', 'Fri, 20 Nov 2020 10:00:00 GMT', 0],
])('retry-after of a proxy is passed on: %s', async (_, header, retryAfterMs) => {
  expect(await failing(503, { 'retry-after': header })).toMatchObject({
    code: 'GATEWAY_UNAVAILABLE',
    retryable: true,
    detail: { retryAfterMs },
  })
})

test('what an error says itself counts before its headers', async () => {
  const told = { code: 'RATE_LIMITED', message: 'later', retryable: true }
  const body = JSON.stringify({ error: { ...told, detail: { retryAfterMs: 1_500 } } })
  const headers = { 'retry-after': '2', 'x-ratelimit-limit': '9', 'x-ratelimit-remaining': '0' }
  expect(await failing(429, { ...headers, 'x-ratelimit-reset': '1795276800' }, body)).toMatchObject(
    {
      detail: {
        retryAfterMs: 1_500,
        rateLimit: { limit: 9, remaining: 0, resetsAt: '2026-11-21T16:00:00.000Z' },
      },
    },
  )
})

test.each([
  {},
  { 'retry-after': 'soon' },
  { 'x-ratelimit-limit': '9' },
  { 'x-ratelimit-reset': '9e99' },
])('headers that say nothing add nothing: %o', async (headers) => {
  expect(await failing(503, headers)).toMatchObject({ detail: {} })
  expect(Object.keys(((await failing(503, headers)) as { detail: object }).detail)).toEqual([])
})
