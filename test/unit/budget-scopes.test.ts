import { describe, expect, test } from 'vitest'
import { budgetChain } from '../../src/admission/plan/window-lines.ts'
import { planRequest } from '../../src/admission/plan.ts'
import type { Policy } from '../../src/config/policy-types.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { withKey } from '../../src/queue/asked-with.ts'
import { readIdentity, readRequest } from '../../src/queue/request.ts'
import { NOW_MS, policyOf, request } from './plan-policy.ts'

const withBudgets = (...budgets: readonly string[]): Policy =>
  policyOf((text) =>
    text.replace('limits:\n', `${budgets.map((b) => `  - ${b}\n`).join('')}limits:\n`),
  )

const policy = withBudgets(
  '{ id: sessions, scope: session, usd: "1", per: lifetime }',
  '{ id: runs, scope: run, windows: [{ usd: "1", per: minute }, { usd: "2", per: lifetime }] }',
  '{ id: nightly, scope: { run: nightly }, usd: "7", per: day }',
  '{ id: keys, scope: key, usd: "3", per: month, starts_on: 15, mode: warn }',
  '{ id: partner, scope: { key: k1 }, usd: "4", per: day }',
)
const OWN = /^(sessions|runs|nightly|keys|partner)\b/
const messages = [{ role: 'user', content: 'hi' }]

function chainOf(asked: object) {
  const { request: read } = readRequest(
    { user: 'u1', model: 'auto', messages, ...asked },
    policy,
    0,
  )
  return budgetChain(policy, read, NOW_MS).filter(({ key }) => OWN.test(key))
}
const keysOf = (asked: object) => chainOf(asked).map(({ key }) => key)

describe('budgets of sessions, runs and API keys', () => {
  test('cover requests that have one, each within its tenant', () => {
    expect(keysOf({})).toEqual([])
    expect(keysOf({ session: 's/1', run: 'nightly', tenant: 'acme' })).toEqual([
      'sessions/acme/s%2F1:lifetime',
      'runs/acme/nightly:2026-11-21T1405',
      'runs/acme/nightly:lifetime',
      'nightly:2026-11-21',
    ])
    expect(keysOf({ session: 's/1', tenant: 'globex' })).toEqual(['sessions/globex/s%2F1:lifetime'])
  })

  test('a key is what the gateway noted, and nothing that a caller can write', () => {
    const asked = { user: 'u1', model: 'auto', messages }
    expect(keysOf(withKey(asked, 'k1'))).toEqual([
      'keys/k1:2026-11-15..2026-12-14',
      'partner:2026-11-21',
    ])
    expect(keysOf({ ...withKey(asked, 'k1'), jobId: 'another-one' })).toHaveLength(2)
    expect(keysOf(JSON.parse(JSON.stringify(withKey(asked, 'k1'))))).toEqual([])
    for (const name of ['bursar.key', 'bursar.session', 'bursar.anything']) {
      expect(() => keysOf({ tags: { [name]: 'k1' } })).toThrow(/send session or run instead/)
    }
    expect(keysOf({ key: 'k1' })).toEqual([])
  })

  test('who asks about a quota is covered as a request is', () => {
    const who = readIdentity(withKey({ user: 'u1', session: 's1', run: 'r1' }, 'k1'), policy)
    expect(who.tags).toEqual({
      'bursar.session': 's1',
      'bursar.run': 'r1',
      'bursar.key': 'k1',
    })
  })

  test('they never reach the provider', () => {
    const asked = withKey({ user: 'u1', session: 's1', run: 'r1', model: 'auto', messages }, 'k1')
    expect(readRequest(asked, policy, 0).request.body).toEqual({ messages })
  })
})

describe('budgets that warn', () => {
  test('stand in the plan beside the others, for every rung', () => {
    const own = withBudgets('{ id: pilot, scope: global, usd: "1", per: day, mode: warn }')
    const made = planRequest({
      policy: own,
      prices: createPriceBook(own),
      request: request(),
      nowMs: NOW_MS,
    })
    if (!made.ok) throw new Error(made.message)
    expect(made.windows.filter(({ warnOnly }) => warnOnly).map(({ key }) => key)).toEqual([
      'pilot:2026-11-21',
    ])
    expect(made.chains).toEqual([])
  })
})

test('a tier may have several windows, each per user', () => {
  const own = policyOf((text) =>
    text.replace(
      'budget: { usd: "5", per: hour }',
      'budget: { windows: [{ usd: "5", per: hour }, { usd: "20", per: lifetime }] }',
    ),
  )
  const keys = budgetChain(own, request(), NOW_MS).map(({ key }) => key)
  expect(keys.filter((key) => key.startsWith('tier.'))).toEqual([
    'tier.basic/acme/u42:2026-11-21T14',
    'tier.basic/acme/u42:lifetime',
  ])
})
