import { expect, it } from 'vitest'
import { FOREVER_MS } from '../../src/admission/plan-lines.ts'
import type { CompletionJob } from '../../src/queue/job.ts'
import { judgeAdmission, type OkPlan } from '../../src/queue/judge-admission.ts'

const NOW = 1_000_000

const job = (more: Partial<CompletionJob> = {}): CompletionJob => ({
  v: 1,
  id: 'J',
  operation: 'chat.completions',
  model: 'auto',
  body: {},
  tenant: 't',
  user: 'u',
  tier: 'basic',
  tags: {},
  urgency: 'interactive',
  pinned: false,
  stream: false,
  deadlineMs: 0,
  replyTo: '',
  cacheKey: null,
  enqueuedAtMs: NOW,
  clockMs: 0,
  ...more,
})

const offer = {
  gate: 'openai:m',
  fixedNano: 1,
  outputPico: 1,
  capTokens: 1,
  floorTokens: 1,
  until: null,
  inputTokens: 1,
}
const plan = (more: Partial<OkPlan> = {}): OkPlan => ({
  ok: true,
  windows: [
    { key: 'company:2026-11', startMs: 0, endMs: NOW * 2, limitNano: 2_000_000_000, marks: [] },
  ],
  offers: [offer],
  rungs: [],
  limits: [{ kind: 'concurrent', key: 'lanes', limit: 1 }],
  chains: [],
  inputTokens: 1,
  parks: false,
  ...more,
})

const judge = (
  reply: Parameters<typeof judgeAdmission>[0],
  { of = job(), by = plan(), random = 0 } = {},
) => judgeAdmission(reply, { job: of, plan: by, nowMs: NOW, random })

const overBudget = (resumeAtMs: number) =>
  ({
    outcome: 'over-budget',
    window: 0,
    limitNano: 2_000_000_000,
    leftNano: [500_000_000],
    resumeAtMs,
  }) as const
const busy = (by: 'gate' | 'limit', resumeAtMs: number) =>
  ({ outcome: 'busy', by, index: 0, resumeAtMs }) as const

it('parks deferrable work until the window rolls, spread over some seconds', () => {
  const of = job({ urgency: 'deferrable' })
  const by = plan({ parks: true })
  expect(judge(overBudget(NOW + 60_000), { of, by })).toMatchObject({ delayMs: 60_000 })
  expect(judge(overBudget(NOW + 60_000), { of, by, random: 0.5 })).toMatchObject({
    do: 'park',
    delayMs: 62_500,
    by: 'budget',
  })
})

it('parks work until its deadline when the window rolls later: a top-up may come', () => {
  const of = job({ urgency: 'batch', deadlineMs: NOW + 5_000 })
  const by = plan({ parks: true })
  expect(judge(overBudget(NOW + 60_000), { of, by })).toMatchObject({ do: 'park', delayMs: 5_000 })
})

const forGood = (limitNano = 2e9) => ({
  ...{ key: 'run:lifetime', startMs: 0, endMs: FOREVER_MS, limitNano, marks: [] },
})

it('parks work over a budget for good until its deadline, or for a week: a top-up may come', () => {
  const by = plan({ parks: true, windows: [forGood()], offers: [{ ...offer, fixedNano: 1e9 }] })
  const due = job({ urgency: 'batch', deadlineMs: NOW + 5_000 })
  expect(judge(overBudget(0), { of: due, by })).toMatchObject({ do: 'park', delayMs: 5_000 })
  const of = job({ urgency: 'deferrable' })
  expect(judge(overBudget(0), { of, by })).toMatchObject({ delayMs: 604_800_000, by: 'budget' })
  const asked = { ...of, enqueuedAtMs: NOW - 604_800_000 }
  expect(judge(overBudget(0), { of: asked, by })).toMatchObject({ do: 'deny' })
})

it.each([
  ['the request is larger than it is', { windows: [forGood()] }, 3e9],
  ['it is a window that rolls, and is smaller', {}, 3e9],
  ['it is only watched', { windows: [{ ...forGood(), warnOnly: true }] }, 1e9],
  ['work does not park', { windows: [forGood()], parks: false }, 1e9],
])('refuses work over a budget for good when %s', (_, more, fixedNano) => {
  const by = plan({ parks: true, offers: [{ ...offer, fixedNano }], ...more })
  const of = job({ urgency: 'deferrable' })
  expect(judge(overBudget(0), { of, by })).toMatchObject({ do: 'deny', as: 'refused' })
})

it('brings a backlog back one after the other, within a tenth of the window', () => {
  const of = job({ urgency: 'deferrable' })
  const hour = { key: 'h:1', startMs: NOW, endMs: NOW + 3_600_000, limitNano: 2e9, marks: [] }
  const by = plan({ parks: true, windows: [hour] })
  const reply = overBudget(hour.endMs)
  const returns = (parked: number, random = 0) => {
    const verdict = judgeAdmission(reply, { job: of, plan: by, nowMs: hour.endMs, random, parked })
    return verdict.do === 'park' ? verdict.delayMs : null
  }
  expect([1_000, 2_000, 18_000].map((parked) => returns(parked))).toEqual([
    ...[20_000, 40_000, 360_000],
  ])
  expect(returns(1_000_000, 0.5)).toBe(180_000)
  expect(returns(1_000_000, 0.999)).toBeLessThan(360_000)
})

it.each([
  ['interactive', job(), plan(), NOW + 1],
  ['too large for any window', job({ urgency: 'batch' }), plan({ parks: true }), 0],
])(
  'refuses work over budget that is %s, with the numbers and the mend',
  (_, of, by, resumeAtMs) => {
    expect(judge(overBudget(resumeAtMs), { of, by })).toMatchObject({
      do: 'deny',
      as: 'refused',
      error: {
        code: 'BUDGET_EXHAUSTED',
        retryable: false,
        detail: {
          budget: 'company',
          window: '2026-11',
          limitUsd: '2.00',
          usedUsd: '1.50',
          leftUsd: '0.50',
          resumesAt: resumeAtMs === 0 ? null : new Date(resumeAtMs).toISOString(),
        },
      },
    })
  },
)

it('interactive work waits a minute in all for a busy model, then hears when to come again', () => {
  expect(judge(busy('gate', NOW + 59_000))).toMatchObject({
    do: 'park',
    delayMs: 59_000,
    by: 'gate',
  })
  const waited = job({ enqueuedAtMs: NOW - 30_000 })
  expect(judge(busy('gate', NOW + 31_000), { of: waited })).toMatchObject({
    do: 'deny',
    error: { code: 'PROVIDER_BUSY', retryable: true, detail: { retryAfterMs: 31_000 } },
  })
  expect(judge(busy('limit', NOW + 61_000))).toMatchObject({
    error: { code: 'RATE_LIMITED', detail: { limit: 'lanes', retryAfterMs: 61_000 } },
  })
})

it('batch work waits as long as it takes, but never past its deadline', () => {
  const of = job({ urgency: 'batch' })
  expect(judge(busy('limit', NOW + 9e6), { of })).toMatchObject({ do: 'park', delayMs: 9e6 })
  const late = job({ urgency: 'batch', deadlineMs: NOW + 10 })
  expect(judge(busy('limit', NOW + 11), { of: late })).toMatchObject({ do: 'deny', as: 'refused' })
})

it('never comes back at once: a lane frees itself at no known time', () => {
  expect(judge(busy('limit', NOW))).toMatchObject({ do: 'park', delayMs: 50 })
})

it.each([
  [
    { outcome: 'concluded', as: 'answered' },
    { do: 'finish', as: 'answered' },
  ],
  [
    { outcome: 'cached', entry: 'x', joined: '', isStale: true, paidBy: '', savedNano: 0 },
    { do: 'deliver', entry: 'x', isStale: true },
  ],
  [{ outcome: 'cancelled' }, { do: 'deny', as: 'cancelled' }],
  [{ outcome: 'takes-exhausted', n: 3 }, { error: { code: 'ATTEMPTS_EXHAUSTED' } }],
] as const)('answers %j', (reply, verdict) => {
  expect(judge(reply)).toMatchObject(verdict)
})
