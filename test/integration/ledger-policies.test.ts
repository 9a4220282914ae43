import { describe, expect } from 'vitest'
import { readPolicy, registerPolicy } from '../../src/ledger/policies.ts'
import { ledgerTest } from '../helpers/ledgers.ts'

describe('registerPolicy', () => {
  ledgerTest('numbers contents from 1; the newest content keeps its number', async ({ ledger }) => {
    expect(await readPolicy(ledger)).toBeNull()
    expect(await registerPolicy(ledger, { a: 1, b: { c: [1, 2], d: null } })).toBe(1)
    expect(await registerPolicy(ledger, { b: { d: null, c: [1, 2] }, a: 1 })).toBe(1)
    expect(await registerPolicy(ledger, { a: 2 })).toBe(2)
    expect(await registerPolicy(ledger, { a: 1, b: { c: [1, 2], d: null } })).toBe(3)
    expect(await readPolicy(ledger)).toMatchObject({ version: 3, body: { a: 1 } })
    expect(await readPolicy(ledger, 2)).toMatchObject({ version: 2, body: { a: 2 } })
    expect(await readPolicy(ledger, 9)).toBeNull()
  })

  ledgerTest(
    'twenty processes with one policy get one number, with twenty get twenty',
    async ({ ledger }) => {
      const same = await Promise.all(
        Array.from({ length: 20 }, () => registerPolicy(ledger, { x: 0 })),
      )
      expect(new Set(same)).toEqual(new Set([1]))
      const each = await Promise.all(
        Array.from({ length: 20 }, (_, n) => registerPolicy(ledger, { n })),
      )
      expect(each.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 2))
    },
  )
})
