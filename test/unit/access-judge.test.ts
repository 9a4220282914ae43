import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { afterEach, describe, expect, test } from 'vitest'
import type { StoredKey } from '../../src/access/api-key.ts'
import { faultOfKey } from '../../src/access/judge-key.ts'
import { hashKey, newKeyText } from '../../src/access/key-text.ts'
import { KEY_ROLES, roleCovers } from '../../src/access/roles.ts'

const ID = '0123456789ab'
const [newest, former, wrong] = [newKeyText(ID), newKeyText(ID), newKeyText(ID)].map(hashKey) as [
  string,
  string,
  string,
]
const NOW = 1_000_000

const key = (more: Partial<StoredKey> = {}): StoredKey => ({
  id: ID,
  name: 'k',
  role: 'app',
  tenant: 'acme',
  user: null,
  tier: null,
  models: null,
  budgets: null,
  createdAtMs: 0,
  createdBy: 'operator',
  rotatedAtMs: null,
  formerUntilMs: null,
  expiresAtMs: null,
  revokedAtMs: null,
  lastUsedAtMs: null,
  secretHash: newest,
  formerHash: null,
  ...more,
})

describe('a key is judged', () => {
  test.each<[string, StoredKey | null, string, string | null]>([
    ['good', key(), newest, null],
    ['unknown id', null, newest, 'unknown'],
    ['wrong secret', key(), wrong, 'unknown'],
    ['a former hash that is not there', key(), '', 'unknown'],
    ['expires a moment later', key({ expiresAtMs: NOW + 1 }), newest, null],
    ['expires now', key({ expiresAtMs: NOW }), newest, 'expired'],
    ['revoked', key({ revokedAtMs: NOW - 1 }), newest, 'revoked'],
    ['revoked and expired', key({ revokedAtMs: 1, expiresAtMs: 1 }), newest, 'revoked'],
    ['within grace', key({ formerHash: former, formerUntilMs: NOW + 1 }), former, null],
    ['after grace', key({ formerHash: former, formerUntilMs: NOW }), former, 'rotated'],
    ['newest in grace', key({ formerHash: former, formerUntilMs: NOW + 1 }), newest, null],
    ['newest after grace', key({ formerHash: former, formerUntilMs: NOW }), newest, null],
    [
      'revoked within grace',
      key({ formerHash: former, formerUntilMs: NOW + 1, revokedAtMs: NOW }),
      former,
      'revoked',
    ],
    ['the state of a key is nothing for strangers', key({ revokedAtMs: 1 }), wrong, 'unknown'],
  ])('%s', (_, stored, hash, fault) => {
    expect(faultOfKey(stored, hash, NOW)).toBe(fault)
  })
})

describe('comparing', () => {
  const real = crypto.timingSafeEqual
  afterEach(() => {
    crypto.timingSafeEqual = real
    syncBuiltinESMExports()
  })

  test('takes the same time wherever hashes differ, and both secrets are always compared', () => {
    const lengths: number[] = []
    crypto.timingSafeEqual = (one, other) => {
      lengths.push(one.byteLength)
      return real(one, other)
    }
    syncBuiltinESMExports()
    const stored = key({ formerHash: former, formerUntilMs: NOW + 1 })
    for (const hash of [newest, former, wrong]) faultOfKey(stored, hash, NOW)
    expect(lengths).toEqual([32, 32, 32, 32, 32, 32])
  })
})

test('a role covers those below it, and only app spends', () => {
  const covered = Object.fromEntries(
    KEY_ROLES.map((has) => [has, KEY_ROLES.filter((needed) => roleCovers(has, needed))]),
  )
  expect(covered).toEqual({
    app: ['app'],
    viewer: ['viewer'],
    finance: ['viewer', 'finance'],
    admin: ['viewer', 'finance', 'admin'],
  })
})
