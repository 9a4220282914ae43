import { sql } from 'drizzle-orm'
import { describe, expect } from 'vitest'
import { listChanges } from '../../src/ledger/audit.ts'
import { readPolicy, registerPolicy } from '../../src/ledger/policies.ts'
import { ledgerTest } from '../helpers/ledgers.ts'

const versionOf = async (...given: Parameters<typeof registerPolicy>) =>
  (await registerPolicy(...given)).version
const APPLIED = { origin: 'applied' } as const

describe('registerPolicy', () => {
  ledgerTest('numbers contents from 1; the newest content keeps its number', async ({ ledger }) => {
    expect(await readPolicy(ledger)).toBeNull()
    expect(await versionOf(ledger, { a: 1, b: { c: [1, 2], d: null } })).toBe(1)
    expect(await versionOf(ledger, { b: { d: null, c: [1, 2] }, a: 1 })).toBe(1)
    expect(await versionOf(ledger, { a: 2 })).toBe(2)
    expect(await versionOf(ledger, { a: 1, b: { c: [1, 2], d: null } })).toBe(3)
    expect(await readPolicy(ledger)).toMatchObject({ version: 3, body: { a: 1 } })
    expect(await readPolicy(ledger, 2)).toMatchObject({ version: 2, body: { a: 2 } })
    expect(await readPolicy(ledger, 9)).toBeNull()
  })

  ledgerTest(
    'twenty processes with one policy get one number, with twenty get twenty',
    async ({ ledger }) => {
      const same = await Promise.all(Array.from({ length: 20 }, () => versionOf(ledger, { x: 0 })))
      expect(new Set(same)).toEqual(new Set([1]))
      const each = await Promise.all(Array.from({ length: 20 }, (_, n) => versionOf(ledger, { n })))
      expect(each.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 2))
    },
  )

  ledgerTest(
    'one that was applied stays until a file has another text than the one it was applied over',
    async ({ ledger }) => {
      expect(await versionOf(ledger, { from: 'file' })).toBe(1)
      expect(await versionOf(ledger, { from: 'operator' }, APPLIED)).toBe(2)
      expect(await registerPolicy(ledger, { from: 'file' })).toMatchObject({
        ...{ version: 2, origin: 'applied', body: { from: 'operator' } },
      })
      expect(await versionOf(ledger, { from: 'changed file' })).toBe(3)
      expect(await versionOf(ledger, { from: 'file' })).toBe(4)
    },
  )

  ledgerTest('one that is meant to follow another follows no other', async ({ ledger }) => {
    await registerPolicy(ledger, { a: 1 })
    await registerPolicy(ledger, { a: 2 })
    await expect(registerPolicy(ledger, { a: 3 }, { ...APPLIED, after: 1 })).rejects.toMatchObject({
      ...{ code: 'POLICY_CHANGED', detail: { version: 2, after: 1 } },
    })
    expect(await versionOf(ledger, { a: 3 }, { ...APPLIED, after: 2 })).toBe(3)
  })

  ledgerTest(
    'a file is on record by the same commit, and nobody changes it',
    async ({ ledger }) => {
      await registerPolicy(ledger, { a: 1 })
      await registerPolicy(ledger, { a: 1 })
      const found = await listChanges(ledger, { limit: 10 })
      expect(found).toMatchObject([
        { by: 'file', action: 'policy-file', outcome: 'done', result: { version: 1 } },
      ])
      for (const change of [sql`update audit set by = 'nobody'`, sql`delete from audit`]) {
        await expect(ledger.db.execute(change)).rejects.toMatchObject({
          cause: { message: expect.stringContaining('append-only') },
        })
      }
    },
  )
})
