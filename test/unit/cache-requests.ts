import type { GovernedRequest } from '../../src/admission/plan-types.ts'
import { parsePolicy } from '../../src/config/policy.ts'
import type { Policy } from '../../src/config/policy-types.ts'
import { createPriceBook } from '../../src/pricing/price-book.ts'
import { request as planned } from './plan-policy.ts'

const POLICY = `
version: 1
identity: { default_tier: basic }
tiers:
  basic: { ladder: standard }
  premium: { ladder: standard, models: [gpt-6-astra] }
  gold: { ladder: twin, models: ["*"] }
  late: { ladder: later }
  best: { ladder: top }
  home: { ladder: own }
ladders:
  standard: [{ model: gpt-6-sol, until: 80 }, { model: gpt-6-luna, max_output_tokens: 1024 }]
  twin: [{ model: gpt-6-sol, until: 80, service_tier: flex }, { model: gpt-6-luna, max_output_tokens: 1024 }]
  later: [{ model: gpt-6-sol, until: 95 }, { model: gpt-6-luna, max_output_tokens: 1024 }]
  top: [{ model: gpt-6-sol }]
  own: [{ model: local/small }]
providers:
  openai: { base_url: "https://api.openai.com/v1" }
  local: { base_url: "http://127.0.0.1:8080/v1", prices: zero }
`

/** A policy of several tiers, two of them with equal ladders. @param cache - its section, in YAML. */
export const policyWith = (cache = '{}'): Policy =>
  parsePolicy(`${POLICY}cache: ${cache}\n`, { env: {}, prices: createPriceBook, nowMs: 0 })

export const request = (over: Partial<GovernedRequest> = {}): GovernedRequest =>
  planned({
    body: { messages: [{ role: 'user', content: 'Explain recursion' }], temperature: 0.2 },
    ...over,
  })
