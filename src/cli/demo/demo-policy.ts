/** How the demo's provider behaves. */
export const DEMO_PROVIDER = {
  /** Never billed, and gone at the next try. */
  faults: '429:0.03,500:0.02',
  /** To the first byte, ms: long enough for a class to ask while the first of them is being answered. */
  latencyMs: 150,
} as const

/**
 * What the demo runs under: the tiers of the shipped policy, with budgets so small that a minute of traffic meets them.
 * @param sandboxUrl - where the simulated provider listens.
 */
export const demoPolicy = (sandboxUrl: string): string => `version: 1
timezone: UTC
identity: { default_tenant: default, default_tier: basic }
defaults: { max_output_tokens: 600, min_output_tokens: 64, attempts: 5 }
tiers:
  free:    { requests: { limit: 10, per: hour },   budget: { usd: "0", per: hour },    ladder: frugal,   on_exhausted: refuse }
  basic:   { requests: { limit: 50, per: hour },   budget: { usd: "0.15", per: hour }, ladder: standard, on_exhausted: park }
  premium: { requests: { limit: 200, per: hour },  budget: { usd: "2", per: hour },    ladder: careful,  on_exhausted: park }
  admin:   { requests: { limit: 1000, per: hour }, budget: { usd: "10", per: hour },   ladder: best }
budgets:
  - { id: company, scope: global, usd: "100", per: month, alert_at: [50, 80, 95, 100] }
  - { id: globex, scope: { tenant: globex }, usd: "0.06", per: month }
  - { id: tutor, scope: { tag: feature=tutor }, usd: "0.50", per: month }
limits:
  - { id: lanes, scope: tenant, concurrent: 20 }
ladders:
  best:     [ { model: gpt-6-astra } ]
  standard: [ { model: gpt-6-astra, until: 80 }, { model: gpt-6-sol, until: 95 }, { model: gpt-6-luna } ]
  careful:  [ { model: gpt-6-astra, until: 80 }, { model: gpt-6-sol } ]
  frugal:   [ { model: gpt-6-luna } ]
providers:
  openai:
    base_url: ${sandboxUrl}
    key: sandbox
    profile: { unbilled_status: [400, 401, 403, 404, 409, 413, 422, 429, 500, 503] }
cache:
  responses: { ttl: 1h }
`

/** In every request's chain: what its windows have counted is what the demo spent. */
export const GLOBAL_BUDGET = 'company'
