import type { GovernedRequest } from '../../src/admission/plan-types.ts'
import { parsePolicy } from '../../src/config/policy.ts'
import type { Policy } from '../../src/config/policy-types.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'

export const NOW_MS = Date.UTC(2026, 10, 21, 14, 5)

/** Every kind of scope, limit and rung. */
const TEXT = `
version: 1
identity: { default_tier: basic }
defaults: { max_output_tokens: 4096, min_output_tokens: 256 }
tiers:
  basic:   { requests: { limit: 50, per: hour }, budget: { usd: "5", per: hour }, ladder: standard, on_exhausted: park }
  open:    { ladder: standard, models: ["*"], on_exhausted: park }
  narrow:  { ladder: frugal, models: [gpt-4, local/any] }
budgets:
  - { id: company, scope: global, usd: "2000", per: month, alert_at: [50, 80] }
  - { id: tenants, scope: tenant, usd: "300", per: week }
  - { id: acme, scope: { tenant: acme }, usd: "200", per: year }
  - { id: people, scope: user, usd: "9", per: day }
  - { id: boss, scope: { user: boss }, usd: "99", per: day }
  - { id: levels, scope: tier, usd: "50", per: minute }
  - { id: level, scope: { tier: open }, usd: "60", per: day }
  - { id: features, scope: { tag: feature }, usd: "30", per: day, timezone: Europe/Berlin }
  - { id: tutor, scope: { tag: feature=tutor }, usd: "25", per: day }
limits:
  - { id: burst, scope: user, algorithm: token-bucket, requests: 60, per: minute, burst: 10 }
  - { id: door, scope: global, requests: 1000, per: minute }
  - { id: tpm, scope: tenant, tokens: 50000, per: minute }
  - { id: lanes, scope: tenant, concurrent: 20 }
ladders:
  standard:
    - { model: gpt-6-astra, until: 80 }
    - { model: gpt-6-sol, until: 95, service_tier: flex }
    - { model: gpt-6-luna, reasoning_effort: low, max_output_tokens: 1024 }
  frugal: [{ model: gpt-6-luna }, { model: local/small }]
providers:
  openai: { base_url: "https://api.openai.com/v1", profile: { input_margin_percent: 10 } }
  local: { base_url: "http://127.0.0.1:1/v1", prices: zero }
`

/** @param change - edits the text first. */
export const policyOf = (change: (text: string) => string = (text) => text): Policy =>
  parsePolicy(change(TEXT), { env: {}, prices: createPriceBook, nowMs: NOW_MS })

const messages = [{ role: 'user', content: 'Explain recursion' }]

export const request = (over: Partial<GovernedRequest> = {}): GovernedRequest => ({
  operation: 'chat.completions',
  model: 'auto',
  body: { messages },
  tenant: 'acme',
  user: 'u42',
  tier: 'basic',
  tags: {},
  urgency: 'interactive',
  pinned: false,
  ...over,
})

export const chat = (fields: object, over: Partial<GovernedRequest> = {}): GovernedRequest =>
  request({ body: { messages, ...fields }, ...over })

export const response = (fields: object): GovernedRequest =>
  request({ operation: 'responses', body: { input: 'hi', ...fields } })
