import type {
  AttemptMeta,
  PostingEntry,
  RequestEntry,
  RequestMeta,
  SettleDetail,
  ThresholdEntry,
} from '../../src/admission/outbox.ts'

const AT_MS = Date.UTC(2026, 10, 21, 14)

export const requestMeta = (over: Partial<RequestMeta> = {}): RequestMeta => ({
  tenant: 'acme',
  user: 'u42',
  tier: 'premium',
  tags: { feature: 'tutor' },
  operation: 'chat.completions',
  urgency: 'interactive',
  modelRequested: 'auto',
  enqueuedAtMs: AT_MS,
  ...over,
})

export const attemptMeta = (over: Partial<AttemptMeta> = {}): AttemptMeta => ({
  ...requestMeta(),
  rungs: [
    { model: 'gpt-6-astra', provider: 'openai' },
    { model: 'local/small', provider: 'local' },
  ],
  inputTokensHeld: 120,
  priceVersion: 'genai-prices@0.1.8',
  policyVersion: 1,
  ...over,
})

export const settleDetail = (over: Partial<SettleDetail> = {}): SettleDetail => ({
  seen: 'answer',
  reason: null,
  status: 200,
  usage: {
    inputTokens: 100,
    cachedInputTokens: 10,
    cacheWriteTokens: 5,
    outputTokens: 40,
    reasoningTokens: 20,
  },
  listNano: 900,
  servedModel: 'gpt-6-astra-2026-10-01',
  serviceTier: 'default',
  providerRequestId: 'req_1',
  estimated: false,
  noteNano: null,
  startedAtMs: AT_MS + 100,
  endedAtMs: AT_MS + 900,
  ...over,
})

/** A first settlement of 700 nano-USD under a hold of 1,000. */
export const posting = (over: Partial<PostingEntry> = {}): Omit<PostingEntry, 'id'> => ({
  type: 'posting',
  attempt: 'job-1/attempt-1',
  epoch: 0,
  rev: 1,
  kind: 'settled',
  job: 'job-1',
  n: 1,
  deltaNano: 700,
  bookedNano: 700,
  holdNano: 1_000,
  overrunNano: 0,
  windows: ['company:2026-11', 'acme:2026-11'],
  rung: 0,
  outputCapTokens: 4_096,
  admittedAtMs: AT_MS + 50,
  postedAtMs: AT_MS + 1_000,
  meta: attemptMeta(),
  detail: settleDetail(),
  outcome: 'answered',
  ...over,
})

export const requestEnd = (over: Partial<RequestEntry> = {}): Omit<RequestEntry, 'id'> => ({
  type: 'request',
  job: 'job-2',
  outcome: 'refused',
  reason: 'BUDGET_EXHAUSTED',
  postedAtMs: AT_MS + 1_000,
  meta: requestMeta(),
  savedNano: 0,
  ...over,
})

export const threshold = (over: Partial<ThresholdEntry> = {}): Omit<ThresholdEntry, 'id'> => ({
  type: 'threshold',
  window: 'company:2026-11',
  percent: 80,
  spentNano: 800,
  limitNano: 1_000,
  postedAtMs: AT_MS + 1_000,
  ...over,
})
