/** Four budgets and two limits on every request, none of them tight: the work of governing without its refusals. */
export const POLICY = `
version: 1
timezone: UTC
identity: { default_tenant: acme, default_tier: basic }
defaults: { max_output_tokens: 1024, min_output_tokens: 16, attempts: 3 }
tiers:
  basic: { requests: { limit: 100000000, per: hour }, budget: { usd: "900000", per: hour }, ladder: standard }
budgets:
  - { id: company, scope: global, usd: "2000000", per: month, alert_at: [50, 80, 95, 100] }
  - { id: acme, scope: { tenant: acme }, usd: "1000000", per: month }
  - { id: tutor, scope: { tag: feature=tutor }, usd: "1000000", per: day, timezone: Europe/Berlin }
limits:
  - { id: tpm, scope: tenant, algorithm: sliding-window, tokens: 1000000000000, per: minute }
  - { id: lanes, scope: tenant, concurrent: 100000 }
ladders:
  standard: [ { model: gpt-6-astra, until: 80 }, { model: gpt-6-sol, until: 95 }, { model: gpt-6-luna } ]
providers:
  openai: { base_url: https://api.openai.com/v1, key: "\${OPENAI_API_KEY}" }
cache:
  responses: { ttl: 1h }
`
