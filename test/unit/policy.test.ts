// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is how a policy names a variable
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { loadPolicy, type PolicyContext, parsePolicy } from '../../src/config/policy.ts'
import type { PolicyProblem } from '../../src/config/policy-errors.ts'
import { policyFromJson, policyToJson } from '../../src/config/policy-json.ts'
import { isBursarError } from '../../src/errors.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'

const context: PolicyContext = { env: {}, prices: createPriceBook, nowMs: Date.UTC(2026, 10, 21) }
const parse = (text: string, env: PolicyContext['env'] = {}) =>
  parsePolicy(text, { ...context, env })

const problemsOf = (text: string, env: PolicyContext['env'] = {}): readonly PolicyProblem[] => {
  try {
    parse(text, env)
    return []
  } catch (error) {
    if (!isBursarError(error, 'INVALID_POLICY')) throw error
    return error.detail.problems as PolicyProblem[]
  }
}
/** `line:column path: message` */
const toldOf = (text: string, env: PolicyContext['env'] = {}): readonly string[] =>
  problemsOf(text, env).map(
    ({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`,
  )

const SHIPPED = readFileSync(new URL('../../bursar.yaml', import.meta.url), 'utf8')

/** Section 5 of the design, word for word. */
const DESIGNED = `version: 1
timezone: UTC
identity: { default_tenant: default, default_tier: basic, users: { u42: premium } }   # also by API key, header or API
defaults: { max_output_tokens: 4096, min_output_tokens: 256, execute: queue, outage: refuse }
tiers:                      # from the product this was built for; all numbers are the operator's to change
  free:    { requests: { limit: 10,   per: hour }, budget: { usd: "0",   per: hour }, ladder: frugal,   on_exhausted: refuse }
  basic:   { requests: { limit: 50,   per: hour }, budget: { usd: "5",   per: hour }, ladder: standard, on_exhausted: park }
  premium: { requests: { limit: 200,  per: hour }, budget: { usd: "20",  per: hour }, ladder: standard, on_exhausted: park }
  admin:   { requests: { limit: 1000, per: hour }, budget: { usd: "100", per: hour }, ladder: best }
budgets:                    # any number may apply to one request; all must agree
  - { id: company, scope: global,                 usd: "2000", per: month, alert_at: [50, 80, 95, 100] }
  - { id: acme,    scope: { tenant: acme },       usd: "300",  per: month }
  - { id: tutor,   scope: { tag: feature=tutor }, usd: "25",   per: day, timezone: Europe/Berlin }
limits:
  - { id: burst, scope: user, algorithm: token-bucket, requests: 60, per: minute, burst: 10 }
  - { id: tpm,   scope: tenant, algorithm: sliding-window, tokens: 50000, per: minute }
  - { id: lanes, scope: tenant, concurrent: 20 }
ladders:                    # a rung serves while every budget stays under its \`until\` percent, the request included
  best:     [ { model: gpt-6-astra } ]
  standard: [ { model: gpt-6-astra, until: 80 }, { model: gpt-6-sol, until: 95 }, { model: gpt-6-luna, reasoning_effort: low, max_output_tokens: 1024 } ]
  frugal:   [ { model: gpt-6-luna, reasoning_effort: low, max_output_tokens: 1024 }, { model: local/small } ]
providers:
  openai: { base_url: https://api.openai.com/v1, key: \${OPENAI_API_KEY}, limits: { requests_per_minute: 500, tokens_per_minute: 200000 } }
  local:  { base_url: \${LOCAL_URL}, prices: zero }            # optional: an OpenAI-compatible server of one's own
cache:
  responses:  { ttl: 1h, semantic: off, compress_over: 2KiB, encrypt: false }
  embeddings: { ttl: 24h }
  namespaces: { user-context: { ttl: 5m, invalidate_on: [lesson.completed] }, recommendations: { ttl: 30m, refresh_on: [progress.updated] } }
`
const SET = { OPENAI_API_KEY: 'sk-test', LOCAL_URL: 'http://127.0.0.1:8080/v1' }

/** A whole policy around one section under test. */
const around = (section: string, without: readonly string[] = []): string =>
  [
    'version: 1',
    ...[
      ['tiers', 'tiers: { basic: { ladder: main } }'],
      ['ladders', 'ladders: { main: [{ model: gpt-6-sol }] }'],
      ['providers', 'providers: { openai: { base_url: https://api.openai.com/v1 } }'],
    ].flatMap(([name = '', text = '']) =>
      section.startsWith(`${name}:`) || without.includes(name) ? [] : [text],
    ),
    section,
  ].join('\n')

describe('the shipped policy', () => {
  test('is the designed one, with the bill of failed calls made explicit', () => {
    const designed = parse(DESIGNED, SET)
    const shipped = parse(SHIPPED, SET)
    expect({ ...shipped, providers: {} }).toEqual({ ...designed, providers: {} })
    expect(shipped.providers.openai?.profile.unbilledStatus).toEqual([
      400, 401, 403, 404, 409, 413, 422, 429, 500, 503,
    ])
    expect(designed.providers.openai?.profile.unbilledStatus).not.toContain(500)
    expect(shipped.warnings).toEqual([])
  })

  test('has every amount, window and limit normalised', () => {
    expect(parse(SHIPPED, SET)).toMatchObject({
      identity: { defaultTenant: 'default', defaultTier: 'basic', users: { u42: 'premium' } },
      defaults: { attempts: 3, maxBodyBytes: 1_048_576 },
      tiers: {
        free: {
          budget: { windows: [{ limitNano: 0, per: 'hour' }], timezone: 'UTC' },
          onExhausted: 'refuse',
        },
        basic: { requests: { limit: 50, perMs: 3_600_000 }, onExhausted: 'park', weight: 1 },
        admin: { ladder: 'best', models: [], onExhausted: 'refuse' },
      },
      budgets: [
        {
          id: 'company',
          scope: { kind: 'global' },
          windows: [{ per: 'month', limitNano: 2e12 }],
          alertAt: [50, 80, 95, 100],
        },
        {
          id: 'acme',
          scope: { kind: 'tenant', of: { value: 'acme' } },
          alertAt: [50, 80, 95, 100],
        },
        {
          id: 'tutor',
          scope: { kind: 'tag', key: 'feature', of: { value: 'tutor' } },
          timezone: 'Europe/Berlin',
        },
      ],
      limits: [
        { counts: 'requests', algorithm: 'token-bucket', limit: 60, perMs: 60_000, burst: 10 },
        { counts: 'tokens', algorithm: 'sliding-window', limit: 50_000, perMs: 60_000 },
        { counts: 'concurrent', limit: 20, scope: { kind: 'tenant', of: 'each' } },
      ],
      ladders: {
        frugal: [
          { model: 'gpt-6-luna', reasoningEffort: 'low', maxOutputTokens: 1024, until: null },
          { model: 'local/small', provider: 'local', upstreamModel: 'small' },
        ],
      },
      providers: {
        openai: { apiKey: 'sk-test', timeoutMs: 600_000, limits: { requestsPerMinute: 500 } },
        local: { prices: 'zero', apiKey: '', profile: { inputMarginPercent: 10 } },
      },
      multipliers: { batch: 50, flex: 50, priority: 200 },
      unknownModels: 'refuse',
      cache: {
        responses: {
          enabled: true,
          ttlMs: 3_600_000,
          semanticThreshold: null,
          compressOverBytes: 2_048,
        },
        embeddings: { ttlMs: 86_400_000 },
        namespaces: { 'user-context': { ttlMs: 300_000, invalidateOn: ['lesson.completed'] } },
      },
    })
  })

  test('without the address of the local provider it loses that provider and its rungs, and says so', () => {
    const policy = parse(SHIPPED)
    expect(Object.keys(policy.providers)).toEqual(['openai'])
    expect(policy.ladders.frugal).toHaveLength(1)
    expect(policy.providers.openai?.apiKey).toBe('')
    expect(policy.warnings).toEqual([
      'provider local and the rungs on it are left out: LOCAL_URL is not set',
    ])
  })

  test('is read from its file', async () => {
    expect(await loadPolicy('bursar.yaml', context)).toEqual(parse(SHIPPED))
  })
})

describe('a stored policy', () => {
  test('is read back as it was, with the key from the environment and never from the store', () => {
    const policy = parse(SHIPPED, SET)
    const stored = JSON.stringify(policyToJson(policy))
    expect(stored).not.toContain('sk-test')
    const { warnings: _, ...rest } = policy
    expect(policyFromJson(JSON.parse(stored), 7, SET)).toEqual({ ...rest, version: 7 })
    expect(policyFromJson(JSON.parse(stored), 7).providers.openai?.apiKey).toBe('')
  })

  test('that is none is refused', () => {
    expect(() => policyFromJson({ tiers: 1 }, 3)).toThrow(
      expect.objectContaining({
        code: 'INVALID_POLICY',
        message: expect.stringContaining('policy 3'),
      }),
    )
  })
})

describe('mistakes', () => {
  test('all are told at once, in the order of the file, with place and mend', () => {
    expect(
      toldOf(`version: 1
tiers:
  free: { laddr: main, budget: { usd: "-1", per: hour } }
  pro: { ladder: mian, requests: { limit: 0, per: hours } }
budgets:
  - { id: all, scope: global, usd: 2.5, per: month, timezone: Berlin }
  - { id: all, scope: { tennant: acme }, usd: "0.0000000001", per: month }
ladders:
  main: [{ model: gpt-6-luna, until: 80 }, { model: gpt-6-sol, until: 70 }, { model: gpt-99 }]
providers:
  openai: { base_url: https://api.openai.com/v1 }
colour: blue
`),
    ).toEqual([
      '3:9 tiers.free.ladder: is missing; write text',
      '3:11 tiers.free.laddr: unknown key; did you mean "ladder"?',
      '3:39 tiers.free.budget.usd: "-1" is no amount of USD: an amount is never negative; write 0 or more',
      '4:18 tiers.pro.ladder: there is no ladder "mian"; did you mean "main"?',
      '4:43 tiers.pro.requests.limit: 0 does not fit here; write 1 or more',
      '4:51 tiers.pro.requests.per: "hours" is none of these; did you mean "hour"?',
      '6:36 budgets[0].usd: 2.5 is no whole number: write USD in quotes, "2.5"',
      '6:63 budgets[0].timezone: is no IANA timezone; did you mean "Europe/Berlin"?',
      '7:11 budgets[1].id: "all" is there already; give each of the budgets an id of its own',
      '7:25 budgets[1].scope.tennant: unknown key; did you mean "tenant"?',
      '7:47 budgets[1].usd: "0.0000000001" is no amount of USD: keep at most 9 decimals: the smallest amount is 0.000000001',
      '9:44 ladders.main[1]: gpt-6-sol costs more than gpt-6-luna before it (its input); put the dearer rung first',
      '9:71 ladders.main[1].until: falls from 80 to 70, so this rung would never serve; write 80 or more',
      '9:86 ladders.main[2].model: no price is known for gpt-99 at openai; correct the name, give its price under prices, or set unknown_models',
      '12:1 colour: unknown key; known here: version, timezone, identity, defaults, tiers, budgets, limits, bypass, ladders, providers, prices, multipliers, discounts, unknown_models, cache, ledger, exports, alerts',
    ])
  })

  test('the message lists them for a terminal', () => {
    expect(() => parse(around('timezone: Mars/Base'))).toThrow(
      /^bursar\.yaml has a mistake:\n {2}bursar\.yaml:5:11 timezone: is no IANA timezone; such as: /,
    )
  })

  test.each([
    [
      'identity: { default_tier: baisc }',
      'identity.default_tier: there is no tier "baisc"; did you mean "basic"?',
    ],
    [
      'identity: { users: { u1: gold } }',
      'identity.users.u1: there is no tier "gold"; tiers: basic',
    ],
    [
      'limits: [{ id: tier.basic, scope: user, concurrent: 1 }]',
      'limits[0].id: names that begin with "tier.", "provider." or "cache." belong to those',
    ],
    ['limits: [{ id: a, scope: user }]', 'limits[0]: counts nothing, or too much'],
    ['limits: [{ id: a, scope: user, requests: 1 }]', 'limits[0]: says no time; write per: minute'],
    [
      'limits: [{ id: a, scope: user, requests: 1, per: hour, burst: 2 }]',
      'only a token-bucket has a burst',
    ],
    [
      'limits: [{ id: a, scope: user, concurrent: 1, per: hour }]',
      'what is concurrent has no time',
    ],
    [
      'limits: [{ id: a, scope: model, requests: 1, per: hour }]',
      'limits[0]: counts requests, which arrive before a model is chosen',
    ],
    [
      'budgets: [{ id: a, scope: { provider: opneai }, usd: "1", per: day }]',
      'budgets[0].scope.provider: there is no provider "opneai"',
    ],
    [
      'limits: [{ id: a, scope: { tier: gold }, concurrent: 1 }]',
      'limits[0].scope.tier: there is no tier "gold"',
    ],
    [
      'limits: [{ id: a, scope: user, concurrent: 1 }, { id: a, scope: user, concurrent: 2 }]',
      'limits[1].id: "a" is there already',
    ],
    [
      'budgets: [{ id: a, scope: { tag: x, user: y }, usd: "1", per: day }]',
      'budgets[0].scope: write global, user',
    ],
    [
      'budgets: [{ id: a, scope: everyone, usd: "1", per: day }]',
      'budgets[0].scope: write global, user',
    ],
    [
      'budgets: [{ id: "a:b", scope: global, usd: "1", per: day }]',
      'budgets[0].id: write a name of letters',
    ],
    [
      'defaults: { min_output_tokens: 5000 }',
      'defaults.min_output_tokens: 5000 is above max_output_tokens',
    ],
    [
      'defaults: { timeout: 10 minutes }',
      'defaults.timeout: "10 minutes" is not understood: write a duration',
    ],
    ['ladders: { main: [] }', 'ladders.main: a ladder needs a rung'],
    [
      'ladders: { main: [{ model: opnai/gpt-6-sol }] }',
      'ladders.main[0].model: no price is known for opnai/gpt-6-sol at openai',
    ],
    [
      'ladders: { main: [{ model: small, provider: opnai }] }',
      'ladders.main[0].provider: there is no provider "opnai"; did you mean "openai"?',
    ],
    [
      'ladders: { main: [{ model: gpt-6-sol, max_output_tokens: 100 }] }',
      '100 is below min_output_tokens (256)',
    ],
    [
      'ladders: { main: [{ model: gpt-6-sol }, { model: gpt-6-luna, until: 90 }] }',
      'ladders.main[1].until: falls from open to 90',
    ],
    [
      'ladders: { main: [{ model: gpt-6-sol, max_output_tokens: 300 }, { model: gpt-6-sol }] }',
      'its output cap of 4096 tokens',
    ],
    [
      'ladders: { main: [{ model: gpt-6-sol, service_tier: flex }, { model: gpt-6-sol }] }',
      'gpt-6-sol costs more than gpt-6-sol before it (its input)',
    ],
    [
      'tiers: { basic: { ladder: main, models: [gpt-98] } }',
      'tiers.basic.models[0]: no price is known for gpt-98',
    ],
    ['tiers: {}', 'tiers: names no tier'],
    ['tiers: basic', 'tiers: "basic" does not fit here; write a map { ... }'],
    [
      'providers: { openai: { base_url: ftp://x, key: 7 } }',
      'providers.openai.base_url: write an http(s) address',
    ],
    [
      'providers: { openai: { base_url: https://x/v1, key: [7] } }',
      'providers.openai.key: a list does not fit here; write text',
    ],
    [
      'prices: [{ model: gpt-6-sol, input: "1", output: "1" }, { model: openai/gpt-6-sol, input: "2", output: "2" }]',
      'prices[1]: gives gpt-6-sol a second price from the same date',
    ],
    [
      'prices: [{ model: x, provider: opnai, input: "1", output: "1" }]',
      'prices[0].provider: there is no provider "opnai"',
    ],
    [
      'prices: [{ model: x, from: tomorrow, input: "1", output: "1" }]',
      'prices[0].from: "tomorrow" is no date',
    ],
    ['multipliers: { batch: 0 }', 'multipliers.batch: 0 does not fit here; write 1 or more'],
    ['unknown_models: free', 'unknown_models: write refuse, or a price'],
    [
      'cache: { responses: { semantic: on } }',
      'cache.responses.semantic: write off: only equal requests',
    ],
    ['timezone: "+02:00"', 'timezone: is no IANA timezone'],
    [
      'timezone: ${ZONE}',
      'timezone: the variable ZONE is not set; set it, or write a default: ${ZONE:-...}',
    ],
    ['timezone: ${not a name}', 'timezone: "${not a name}" names no variable'],
    ['timezone: UTC\ntimezone: UTC', 'Map keys must be unique'],
    ['budgets: [', 'mend the YAML here'],
  ])('%s', (section, told) => {
    expect(toldOf(around(section)).join('\n')).toContain(told)
  })

  test('a rung that gets dearer on the date of a later price is found today', () => {
    const later = 'prices: [{ model: gpt-6-luna, from: 2027-01-01, input: "50", output: "50" }]'
    const ladders = 'ladders: { main: [{ model: gpt-6-sol }, { model: gpt-6-luna }] }'
    expect(toldOf(around(`${ladders}\n${later}`)).join()).toContain(
      'gpt-6-luna costs more than gpt-6-sol',
    )
    expect(toldOf(around(ladders))).toEqual([])
  })

  test('an unknown model is priced by its override, or by the price of unknown models', () => {
    const ladders = 'ladders: { main: [{ model: gpt-99 }] }'
    const price = 'prices: [{ model: gpt-99, input: "1", output: "2" }]'
    const rule = 'unknown_models: { input: "100", output: "500" }'
    expect(toldOf(around(ladders))).toHaveLength(1)
    expect(toldOf(around(`${ladders}\n${price}`))).toEqual([])
    expect(toldOf(around(`${ladders}\n${rule}`))).toEqual([])
  })

  test('a wrong entry does not make the names that it gives unknown', () => {
    const wrong = 'tiers: { basic: { ladder: main, weight: 0 } }\nidentity: { default_tier: basic }'
    expect(toldOf(around(wrong))).toEqual([
      '4:41 tiers.basic.weight: 0 does not fit here; write 1 or more',
    ])
  })

  test('a ladder whose every rung is left out is a mistake', () => {
    const local =
      'providers: { openai: { base_url: https://x/v1 }, local: { base_url: ${LOCAL_URL}, prices: zero } }'
    const ladders = 'ladders: { main: [{ model: local/small }] }'
    expect(toldOf(around(`${local}\n${ladders}`, ['ladders'])).join()).toContain(
      'ladders.main: has no rung left: set LOCAL_URL, or add a rung',
    )
    expect(toldOf(around(`${local}\n${ladders}`, ['ladders']), SET)).toEqual([])
  })

  test('an empty file says what it lacks', () => {
    expect(problemsOf('').map(({ message }) => message)).toContain(
      'is missing; write a map { ... }',
    )
    expect(problemsOf('- 1').length).toBeGreaterThan(0)
  })
})

describe('variables', () => {
  test('a value is never read as YAML', () => {
    const evil = { OPENAI_API_KEY: 'a, prices: zero }\n  x: {', LOCAL_URL: SET.LOCAL_URL }
    const { openai } = parse(DESIGNED, evil).providers
    expect(openai).toMatchObject({ apiKey: evil.OPENAI_API_KEY, prices: 'book' })
  })

  test('a default stands in for what is not set, or empty', () => {
    const text = around('timezone: ${ZONE:-Europe/Berlin}')
    expect(parse(text).timezone).toBe('Europe/Berlin')
    expect(parse(text, { ZONE: '' }).timezone).toBe('Europe/Berlin')
    expect(parse(text, { ZONE: 'Asia/Tokyo' }).timezone).toBe('Asia/Tokyo')
  })

  test('a key written into the file is warned of, and not stored', () => {
    const policy = parse(around('providers: { openai: { base_url: https://x/v1, key: sk-1 } }'))
    expect(policy.warnings).toEqual([
      expect.stringContaining('the key of provider openai stands in'),
    ])
    expect(JSON.stringify(policyToJson(policy))).not.toContain('sk-1')
  })
})

describe('hostile files', () => {
  test('one above 1 MiB is refused before it is read as YAML', () => {
    expect(toldOf(`# ${'x'.repeat(1_048_576)}`)).toEqual([
      '1:1 : is above 1 MiB; split what does not belong here',
    ])
  })

  test('a bomb of aliases is refused', () => {
    const levels = Array.from(
      { length: 9 },
      (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(9)}]`,
    )
    expect(toldOf(`l0: &l0 [x]\n${levels.join('\n')}`).join()).toContain('instead of *aliases')
  })

  test('names that mean something to JavaScript are names', () => {
    expect(toldOf(around('__proto__: { polluted: 1 }')).join()).toContain('unknown key')
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
    expect(toldOf(around('identity: { default_tier: constructor }')).join()).toContain(
      'there is no tier',
    )
    for (const policy of [parse(SHIPPED), policyFromJson(policyToJson(parse(SHIPPED)), 1)]) {
      const records = [policy.tiers, policy.ladders, policy.providers, policy.identity.users]
      expect(records.map((record) => record.constructor)).toEqual(records.map(() => undefined))
    }
  })
})
