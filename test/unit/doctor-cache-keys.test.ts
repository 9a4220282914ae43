import { expect, test } from 'vitest'
import { judgeCacheKeys } from '../../src/cli/doctor/policy.ts'

const KEYS = `k2:${Buffer.alloc(32, 2).toString('base64')},k1:${Buffer.alloc(32, 1).toString('base64')}`
const policy = (encrypt: boolean) => ({
  cache: { responses: { enabled: true, ttlMs: 1, encrypt } },
})

test('a policy that encrypts answers without a key is wrong, and says what to set', () => {
  const [finding] = judgeCacheKeys(policy(true), {})
  expect(finding).toMatchObject({ check: 'cache keys', state: 'wrong' })
  expect(finding?.found).toMatch(/BURSAR_CACHE_KEYS is empty$/)
  expect(finding?.mend).toMatch(/^set it to k1:SECRET/)
})

test('keys are named by their ids alone, and wrong ones are told', () => {
  const [finding] = judgeCacheKeys(policy(true), { BURSAR_CACHE_KEYS: KEYS })
  expect(finding?.found).toMatch(/^k2-[0-9a-f]{8} encrypts, 2 can open$/)
  expect(judgeCacheKeys(policy(false), { BURSAR_CACHE_KEYS: 'k1:x' })).toMatchObject([
    { state: 'wrong' },
  ])
})

test('nothing is said where nothing is encrypted', () => {
  expect(judgeCacheKeys(policy(false), {})).toEqual([])
})
