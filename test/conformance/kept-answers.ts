import fc from 'fast-check'
import type { SettleCommand } from '../../src/admission/commands.ts'
import { checksum } from '../../src/cache/codec/header.ts'

/** Ids of keys, as `readCacheKeys` makes them. */
export const KEY_IDS = ['k1-00000001', 'k2-00000002'] as const

/** A text in the form in which answers are kept; encrypted by name alone, which is all that a slot looks at. */
export const sealed = (payload: string, keyId = ''): string => {
  const flags = keyId === '' ? '' : 'e'
  return `1${flags}.${keyId}.${checksum(flags, keyId, payload)}\n${payload}`
}

/** Checksum of one that the asker has at hand. */
export const HAD = checksum('', '', '{"a":1}')

/** Good ones, and all that can have become of one: cut short, overwritten, of another version, never sealed. */
const BODIES = [
  ...[sealed('{"a":1}'), sealed('{"a":1}'), sealed('{"a":"é\\n"}')],
  ...KEY_IDS.map((id) => sealed('c2VjcmV0', id)),
  ...[sealed('{"a":1}').slice(0, -1), sealed('{"a":1}').replace('1}', '2}')],
  ...[`2${sealed('{"a":1}').slice(1)}`, '{"a":1}', ''],
]

/** What a settlement has kept. */
export const kept: fc.Arbitrary<NonNullable<SettleCommand['cache']>> = fc.record({
  key: fc.constantFrom('c1', 'c1', 'c2'),
  body: fc.constantFrom(...BODIES),
  ttlMs: fc.constantFrom(5_000, 5_000, 500_000_000),
  staleForMs: fc.constantFrom(0, 1_000, 100_000, 100_000),
  lastForMs: fc.constantFrom(0, 3_000, 9_000_000),
  costNano: fc.constantFrom(0, 7, 900_000_000_001),
})
