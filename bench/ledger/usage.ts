import type { AttemptMeta, OutboxEntry, RequestMeta } from '../../src/admission/outbox.ts'

/** What a company that is made up did in some hours, the same for the same seed. */
export interface UsageOptions {
  readonly seed: number
  /** Calls of providers; requests that needed none come on top, a fifth more. */
  readonly calls: number
  readonly tenants: number
  /** From then on, a day. */
  readonly fromMs: number
}

const DAY_MS = 86_400_000
const MODELS = [
  { model: 'gpt-6-luna', provider: 'openai', nano: 60 },
  { model: 'gpt-6-sol', provider: 'openai', nano: 400 },
  { model: 'gpt-6-astra', provider: 'openai', nano: 2_500 },
  { model: 'local/small', provider: 'local', nano: 0 },
] as const
const FEATURES = ['tutor', 'search', 'summary', 'support', 'translate', 'code']
const TIERS = ['basic', 'basic', 'premium', 'free', 'admin']

/** Mulberry32: 32 bits of state, enough to look like chance. @returns numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** The first are drawn most, as in life: a few tenants and users make most of the calls. */
const skewed = (chance: number, count: number): number =>
  Math.min(count - 1, Math.floor((count + 1) ** chance) - 1)

type Chance = () => number
type Name = Pick<OutboxEntry, 'id'> & { readonly job: string }

function someone(chance: Chance, tenants: number, atMs: number): RequestMeta {
  const rank = skewed(chance(), tenants)
  const users = 4 + ((rank * 7) % 21)
  const user = skewed(chance(), users)
  const run = chance() < 0.03 && { 'bursar.run': `run-${Math.floor(chance() * 1e9)}` }
  return {
    tenant: `tenant-${String(rank).padStart(3, '0')}`,
    user: `u${rank}-${user}`,
    tier: TIERS[(rank + user) % TIERS.length] ?? 'basic',
    tags: {
      feature: FEATURES[skewed(chance(), FEATURES.length)] ?? 'tutor',
      'bursar.key': `key-${rank}-${user % 2}`,
      ...run,
    },
    operation: 'chat.completions',
    urgency: chance() < 0.9 ? 'interactive' : 'deferrable',
    modelRequested: 'auto',
    enqueuedAtMs: atMs,
  }
}

const windowsOf = ({ tenant, tier, user }: RequestMeta, atMs: number): string[] => {
  const instant = new Date(atMs).toISOString()
  return [
    `company:${instant.slice(0, 7)}`,
    `tenants/${tenant}:${instant.slice(0, 7)}`,
    `tier.${tier}/${tenant}/${user}:${instant.slice(0, 10)}`,
  ]
}

/** Some calls have no known bill, some cost more than was held for them. */
function call(chance: Chance, asked: RequestMeta, { id, job }: Name): OutboxEntry {
  const rung = skewed(chance(), MODELS.length)
  const { nano } = MODELS[rung] ?? MODELS[0]
  const usage = {
    inputTokens: 50 + Math.floor(chance() * 2_000),
    cachedInputTokens: Math.floor(chance() * 200),
    cacheWriteTokens: 0,
    outputTokens: 20 + Math.floor(chance() * 600),
    reasoningTokens: Math.floor(chance() * 100),
  }
  const cost = nano * (usage.inputTokens + 4 * (usage.outputTokens + usage.reasoningTokens))
  const isLost = chance() < 0.004
  const atMs = asked.enqueuedAtMs + 20
  const tookMs = 300 + Math.floor(chance() * 4_000)
  const meta: AttemptMeta = {
    ...asked,
    rungs: MODELS.map(({ model, provider }) => ({ model, provider })),
    inputTokensHeld: usage.inputTokens + 100,
    priceVersion: 'genai-prices@0.1.8',
    policyVersion: 1,
  }
  return {
    ...{ type: 'posting', id, attempt: `${job}/a`, epoch: 0, rev: 1, job, n: 1 },
    kind: isLost ? 'unconfirmed' : 'settled',
    ...{ deltaNano: cost, bookedNano: cost, holdNano: cost * 2, overrunNano: 0, rung },
    windows: windowsOf(asked, atMs),
    outputCapTokens: 4_096,
    admittedAtMs: atMs,
    postedAtMs: atMs + tookMs,
    meta,
    detail: isLost
      ? null
      : {
          ...{ seen: 'answer', reason: null, status: 200, usage, listNano: cost },
          ...{ servedModel: MODELS[rung]?.model ?? null, serviceTier: 'default' },
          ...{ providerRequestId: `req_${job}`, estimated: false, noteNano: null },
          ...{ startedAtMs: atMs + 5, endedAtMs: atMs + tookMs },
        },
    outcome: isLost ? 'failed' : 'answered',
  }
}

const withoutCall = (chance: Chance, meta: RequestMeta, { id, job }: Name): OutboxEntry => ({
  ...{ type: 'request', id, job, meta, postedAtMs: meta.enqueuedAtMs + 3 },
  ...(chance() < 0.8
    ? { outcome: 'cached', reason: '', savedNano: 100_000 + Math.floor(chance() * 900_000) }
    : { outcome: 'refused', reason: 'RATE_LIMITED', savedNano: 0 }),
})

/** Everything that the slot would have told, oldest first. */
export function* usage({
  seed,
  calls,
  tenants,
  fromMs,
}: UsageOptions): Generator<OutboxEntry, void> {
  const chance = seeded(seed)
  let n = 0
  for (let one = 0; one < calls; one += 1) {
    const nowMs = fromMs + Math.floor((DAY_MS * (one + chance())) / calls)
    const name = () => {
      n += 1
      return { id: `${n}-0`, job: `job-${seed}-${n}` }
    }
    yield call(chance, someone(chance, tenants, nowMs), name())
    if (chance() < 0.2) yield withoutCall(chance, someone(chance, tenants, nowMs), name())
  }
}
