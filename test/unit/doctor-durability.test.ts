import { expect, test } from 'vitest'
import { judgeDurability } from '../../src/cli/doctor/durability.ts'
import type { Policy } from '../../src/config/policy-types.ts'

const defaults = (durability?: 'redis' | 'journal'): Pick<Policy, 'defaults'> => ({
  defaults: {
    ...{ maxOutputTokens: 1, minOutputTokens: 1, execute: 'queue', outage: 'refuse' },
    ...{ attempts: 1, maxBodyBytes: 1_024 },
    ...(durability ? { durability } : {}),
  },
})
const PLACE = { folder: '/data/calls', isWritable: true, passing: null, elsewhere: [] }

test.each([
  ['redis', undefined, { isWritable: false }, 'ok', /^redis/],
  ['redis, said', 'redis', { passing: 'is in memory (tmpfs)' }, 'ok', /^redis/],
  ['a disk', 'journal', {}, 'ok', /each call is in \/data\/calls/],
  ['no place', 'journal', { isWritable: false }, 'wrong', /cannot be written/],
  ['memory', 'journal', { passing: 'is in memory (tmpfs)' }, 'warn', /is in memory/],
  ['another machine', 'journal', { elsewhere: ['box-2 (/data/calls/0)'] }, 'warn', /box-2/],
] as const)('durability: %s', (_name, durability, place, state, found) => {
  const finding = judgeDurability(defaults(durability), { ...PLACE, ...place })
  expect(finding).toMatchObject({ check: 'durability', state })
  expect(finding.found).toMatch(found)
  expect(finding.mend === '').toBe(state === 'ok')
})
