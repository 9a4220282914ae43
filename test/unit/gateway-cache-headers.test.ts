import { expect, test } from 'vitest'
import { verdictHeader, withCacheHeaders } from '../../src/gateway/cache-headers.ts'

const body = { user: 'u42', model: 'auto' }
const added = (headers: Record<string, string>, more: object = {}) => {
  const { user: _, model: __, ...rest } = { ...withCacheHeaders(headers, { ...body, ...more }) }
  return rest
}

test.each<[Record<string, string>, object]>([
  [{}, {}],
  [{ 'x-bursar-cache': 'refresh' }, { cache: { mode: 'refresh' } }],
  [{ 'x-bursar-cache': ' READ , ttl=10m' }, { cache: { mode: 'read', ttl: '10m' } }],
  [{ 'x-bursar-cache': 'private' }, { private: true }],
  [{ 'x-bursar-cache': 'share=user' }, { cache: { share: 'user' }, private: true }],
  [{ 'cache-control': 'no-cache' }, { cache: { mode: 'refresh' } }],
  [{ 'cache-control': 'max-age=0' }, { cache: { mode: 'refresh' } }],
  [{ 'cache-control': 'no-store' }, { cache: { mode: 'read' } }],
  [{ 'cache-control': 'no-cache, no-store' }, { cache: { mode: 'off' } }],
  [{ 'cache-control': 'only-if-cached' }, { cache: { mode: 'only' } }],
  [{ 'cache-control': 'private' }, { private: true }],
  [{ 'cache-control': 'max-age=60, no-transform' }, {}],
])('the headers %j mean %j', (headers, meant) => {
  expect(added(headers)).toEqual(meant)
})

test('the body comes before x-bursar-cache, and that before cache-control', () => {
  const both = { 'x-bursar-cache': 'write', 'cache-control': 'no-cache' }
  expect(added(both)).toEqual({ cache: { mode: 'write' } })
  expect(added(both, { cache: false })).toEqual({ cache: false })
})

test('an answer is private where any of them says so', () => {
  const headers = { 'x-bursar-cache': 'private' }
  expect(added(headers, { private: false, cache: 'on' })).toEqual({ private: true, cache: 'on' })
  expect(added({ 'cache-control': 'private' }, { cache: 'on' })).toMatchObject({ private: true })
})

test('a word that is none is named, with those there are', () => {
  expect(() => added({ 'x-bursar-cache': 'fresh' })).toThrow(/"fresh" is none of on, off, read/)
})

test('the verdict is told with its reason', () => {
  expect(verdictHeader({ cache: 'hit' })).toEqual({ 'x-bursar-cache': 'hit' })
  expect(verdictHeader({ cache: 'off', cacheWhy: 'tools' })).toEqual({
    'x-bursar-cache': 'off; why=tools',
  })
})
