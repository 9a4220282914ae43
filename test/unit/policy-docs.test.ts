import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parsePolicy } from '../../src/config/policy.ts'
import { policyKeys } from '../../src/config/policy-issues.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'

const page = readFileSync(new URL('../../docs/policy.md', import.meta.url), 'utf8')
const rows = [...page.matchAll(/^\| `([^`]+)` \| (.*) \| (.*) \| (.+) \|$/gm)]

test('docs/policy.md explains every key of the schema, in its order, and no other', () => {
  expect(rows.map(([, key]) => key)).toEqual(policyKeys())
})

test('docs/policy.md gives every key a meaning and an example', () => {
  for (const [row, , meaning, , example] of rows) {
    expect([row, meaning?.trim(), example?.trim()]).not.toContain('')
  }
})

test('the smallest policy of docs/policy.md is one', () => {
  const [, text = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
  const policy = parsePolicy(text, { env: {}, prices: createPriceBook })
  expect(policy.identity.defaultTier).toBe('everyone')
})
