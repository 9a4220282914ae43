import { expect, test } from 'vitest'
import { narrower, readKey, tenantHash, userHash, wallOf, writeKey } from '../../src/cache/walls.ts'

const HASH = 'ab'.repeat(32)
const asker = { tenant: 'acme', user: 'u42' }

test('a key says behind which wall its answer is, and no more', () => {
  const key = (share: Parameters<typeof wallOf>[0]) => writeKey(wallOf(share, asker), HASH)
  const tenant = tenantHash('acme')
  const user = userHash('acme', 'u42')
  expect(key('shared')).toBe(`shared:${HASH}`)
  expect(key('tenant')).toBe(`${tenant}:${HASH}`)
  expect(key('user')).toBe(`${tenant}.${user}:${HASH}`)
  expect(readKey(key('shared'))).toEqual({ share: 'shared', hash: HASH })
  expect(readKey(key('tenant'))).toEqual({ share: 'tenant', tenant, hash: HASH })
  expect(readKey(key('user'))).toEqual({ share: 'user', tenant, user, hash: HASH })
})

test.each(['', 'shared', `acme:${HASH}`, `shared:${HASH}0`, `shared.${HASH}`, `:${HASH}`])(
  '%j is no key of an answer',
  (text) => {
    expect(readKey(text)).toBeNull()
  },
)

// Pinned: other processes, and whoever empties a tenant or a user, look under the same names.
test('walls are named as they always were', () => {
  expect(tenantHash('acme')).toBe('b9510057a95822a0')
  expect(userHash('acme', 'u42')).toBe('5529e595b2034e58')
})

test('whoever is not the same has another wall, in full and in short', () => {
  const walls = [
    wallOf('shared', asker),
    wallOf('tenant', asker),
    wallOf('tenant', { tenant: 'shared', user: '' }),
    wallOf('tenant', { tenant: '{}', user: '' }),
    wallOf('tenant', { tenant: 'a\ud800', user: '' }),
    wallOf('tenant', { tenant: 'a\ud801', user: '' }),
    wallOf('user', asker),
    wallOf('user', { tenant: 'acme', user: 'u4' }),
    wallOf('user', { tenant: 'acme2', user: 'u42' }),
    wallOf('user', { tenant: 'acme.u42', user: '' }),
    wallOf('user', { tenant: '', user: 'acme.u42' }),
  ]
  expect(new Set(walls.map(({ name }) => name)).size).toBe(walls.length)
  expect(new Set(walls.map(({ of }) => of)).size).toBe(walls.length)
})

test('of two, the narrower counts', () => {
  expect(narrower('user', 'shared')).toBe('user')
  expect(narrower('shared', 'tenant')).toBe('tenant')
  expect(narrower('tenant', 'tenant')).toBe('tenant')
})
