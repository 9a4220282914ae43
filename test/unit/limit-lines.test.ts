import { expect, test } from 'vitest'
import { chainOf, governing } from '../../src/admission/model/chains.ts'
import { limitsFor, requestLimits, unaddressed } from '../../src/admission/plan/limit-lines.ts'
import { planRequest } from '../../src/admission/plan.ts'
import type { GovernedRequest } from '../../src/admission/plan-types.ts'
import { withDefaultLimit } from '../../src/config/default-limit.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { NOW_MS, policyOf, request } from './plan-policy.ts'

const LIMITS = `limits:
  - { id: make, scope: user, resource: generation, requests: 10, per: minute, count_cached: false }
  - { id: words, scope: tenant, algorithm: fixed-window, output_tokens: 900, per: week }
  - { id: read, scope: tenant, algorithm: token-bucket, input_tokens: 900, per: minute }
bypass: { users: [robot], tenants: [internal], keys: [k1] }
`
const policy = policyOf((text) =>
  text
    .replace('limits:\n', LIMITS.replace(/bypass.*\n/, ''))
    .concat('bypass: { users: [robot], tenants: [internal], keys: [k1] }\n'),
)
const keysOf = (over: Partial<GovernedRequest>) =>
  requestLimits(policy, request(over)).map(({ key }) => key)

test('a limit of a resource governs requests that are for it, and no others', () => {
  expect(keysOf({})).not.toContain('make/acme/u42')
  expect(keysOf({ resource: 'improvement' })).not.toContain('make/acme/u42')
  expect(keysOf({ resource: 'generation' })).toContain('make/acme/u42')
})

test.each([{ user: 'robot' }, { tenant: 'internal' }, { tags: { 'bursar.key': 'k1' } }])(
  'whoever is on the bypass list meets no limit, and every budget: %o',
  (who) => {
    expect(limitsFor(policy, request(who))).toEqual([])
    const made = planRequest({
      policy,
      prices: createPriceBook(policy),
      request: request(who),
      nowMs: NOW_MS,
    })
    expect(made).toMatchObject({ ok: true, limits: [] })
    expect(made.ok && made.windows.length).toBeGreaterThan(3)
  },
)

test('lines say what they count, and that hits are free', () => {
  const lines = limitsFor(policy, request({ resource: 'generation' })).map(({ line }) => line)
  expect(lines).toContainEqual({
    ...{ kind: 'sliding-window', key: 'make/acme/u42', limit: 10, perMs: 60_000 },
    countCached: false,
  })
  expect(lines).toContainEqual({
    ...{ kind: 'fixed-window', key: 'words/acme', limit: 900, perMs: 604_800_000, unit: 'output' },
  })
  expect(lines).toContainEqual({
    ...{ kind: 'token-bucket', key: 'read/acme', limit: 900, perMs: 60_000, unit: 'input' },
    burst: 900,
  })
})

test('limits of a provider govern the rungs of each of its models, and those of no other provider', () => {
  const limited = policyOf((text) =>
    text
      .replace(
        'v1", profile:',
        'v1", limits: { requests_per_minute: 500, tokens_per_minute: 9 }, profile:',
      )
      .replace(
        '{ model: gpt-6-luna }, { model: local',
        '{ model: gpt-6-luna }, { model: gpt-6-luna, max_output_tokens: 512 }, { model: local',
      ),
  )
  const asked = request({ tier: 'narrow' })
  const made = planRequest({
    policy: limited,
    prices: createPriceBook(limited),
    request: asked,
    nowMs: NOW_MS,
  })
  if (!made.ok) throw new Error(made.message)
  const own = made.offers.map((offer) =>
    governing(made, chainOf(made, offer)).limits.flatMap(({ item }) =>
      item.key.startsWith('provider.') ? [item.key] : [],
    ),
  )
  const luna = ['provider.openai.requests/gpt-6-luna', 'provider.openai.tokens/gpt-6-luna']
  expect(own).toEqual([luna, luna, []])
  expect(made.limits).toContainEqual({
    ...{ kind: 'sliding-window', key: luna[0], limit: 500, perMs: 60_000, unit: 'calls' },
  })
})

const addressed = policyOf((text) =>
  text
    .replace(
      'limits:\n',
      'limits:\n  - { id: doors, scope: ip, requests: 5, per: minute }\n  - { id: lab, scope: { ip: "2001:db8::9" }, tokens: 5, per: minute }\n',
    )
    .concat('bypass: { users: [robot] }\n'),
)
const keysFrom = (ip: string) =>
  limitsFor(addressed, request({ ip })).map(({ line }) => line.key.split('/').slice(0, 2).join('/'))

test('a limit by address has a state for each, one of an address governs its whole network', () => {
  expect(keysFrom('203.0.113.7')).toContain('doors/203.0.113.7')
  expect(keysFrom('203.0.113.7')).not.toContain('lab')
  expect(keysFrom('2001:db8:0:0::/64')).toContain('doors/2001%3Adb8%3A0%3A0%3A%3A%2F64')
  expect(keysFrom('2001:db8:0:0::/64')).toContain('lab')
})

test('without an address such limits are skipped, and named; whoever bypasses them misses none', () => {
  expect(limitsFor(addressed, request()).map(({ line }) => line.key)).not.toContain('doors')
  expect(unaddressed(addressed, request())).toEqual(['doors', 'lab'])
  expect(unaddressed(addressed, request({ ip: '203.0.113.7' }))).toEqual([])
  expect(unaddressed(addressed, request({ user: 'robot' }))).toEqual([])
})

test('no budget goes by address: the mistake says why', () => {
  const scoped = (scope: string) => () =>
    policyOf((text) =>
      text.replace('budgets:\n', `budgets:\n  - { id: x, scope: ${scope}, usd: "1", per: day }\n`),
    )
  expect(scoped('ip')).toThrow(/only limits go by address/)
  expect(scoped('{ ip: 203.0.113.7 }')).toThrow(/unknown key/)
})

const ASKED = { RATE_LIMIT_ENABLED: true, RATE_LIMIT_REQUESTS: 7, RATE_LIMIT_WINDOW: '90s' }

test('a plain default is for tiers without a request limit, and none of the policy’s own is touched', () => {
  const bare = policyOf((text) => text.replace(/ {2}- \{ id: burst.*\n/, ''))
  const given = withDefaultLimit(bare, ASKED)
  expect(given.tiers.open?.requests).toEqual({ limit: 7, perMs: 90_000 })
  expect(given.tiers.basic).toEqual(bare.tiers.basic)
  const off = { ...ASKED, RATE_LIMIT_ENABLED: false }
  expect(withDefaultLimit(bare, off)).toEqual(bare)
})

test('a limit for each user is a request limit of every tier; one of a resource or of everybody is not', () => {
  expect(withDefaultLimit(policyOf(), ASKED).tiers.open?.requests).toBeNull()
  const others = policyOf((text) =>
    text.replace('id: burst, scope: user,', 'id: burst, scope: user, resource: api,'),
  )
  expect(withDefaultLimit(others, ASKED).tiers.open?.requests).toMatchObject({ limit: 7 })
})
