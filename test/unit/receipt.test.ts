import { expect, test } from 'vitest'
import { type ReceiptRecord, receiptOf } from '../../src/queue/receipt.ts'

const record = (more: Partial<ReceiptRecord> = {}): ReceiptRecord => ({
  jobId: 'J',
  attemptId: 'J/a',
  costNano: 1_000_000,
  usage: null,
  windows: [],
  cache: 'miss',
  paidBy: null,
  modelRequested: 'auto',
  modelServed: 'gpt-6-luna',
  provider: 'openai',
  rungs: [{ model: 'gpt-6-luna', until: null }],
  priceVersion: 'p',
  policyVersion: 1,
  attempts: 1,
  estimated: false,
  outputCapTokens: 100,
  shortened: false,
  ...more,
})
const above = (by: 'budget' | 'gate' | 'limit', what: string, until: number | null = null) => ({
  model: 'gpt-6-astra',
  until,
  passed: { by, what },
})
const served = { model: 'gpt-6-luna', until: null }
const whyOf = (more: Partial<ReceiptRecord>) => receiptOf(record(more), []).why

test.each([
  [above('budget', 'company:2026-11', 80), 'with gpt-6-astra company would pass 80%'],
  [
    above('budget', 'models/gpt-6-astra:2026-11'),
    'models/gpt-6-astra has too little left for gpt-6-astra',
  ],
  [above('gate', 'openai:gpt-6-astra'), 'gpt-6-astra was paused by its provider'],
  [above('limit', 'tpm/acme'), 'limit tpm/acme was full for gpt-6-astra'],
  [{ model: 'gpt-6-astra', until: 80 }, 'gpt-6-astra could not serve'],
])('a rung that did not serve says why: %o', (rung, reason) => {
  const why = whyOf({ rungs: [rung, served] })
  expect(why).toBe(`stepped down from gpt-6-astra to gpt-6-luna: ${reason}`)
})

test('every rung above has its own reason', () => {
  const sol = { ...above('gate', 'openai:gpt-6-sol'), model: 'gpt-6-sol' }
  expect(whyOf({ rungs: [above('budget', 'acme:2026', 50), sol, served] })).toBe(
    'stepped down from gpt-6-astra to gpt-6-luna: with gpt-6-astra acme would pass 50%; gpt-6-sol was paused by its provider',
  )
})

test('the first choice says so, and how far its output was held', () => {
  expect(whyOf({})).toBe('top rung of the ladder')
  expect(whyOf({ modelRequested: 'gpt-6-luna' })).toBe('the model that was asked for')
  expect(whyOf({ shortened: true })).toContain('its output was held to 100 tokens')
})

test('what is left is that of the tightest budget that may refuse', () => {
  const windows = [
    { key: 'pilot:2026-11', limitNano: 1_000_000_000, warnOnly: true },
    { key: 'company:2026-11', limitNano: 9_000_000_000 },
    { key: 'acme:2026', limitNano: 5_000_000_000 },
  ]
  const receipt = receiptOf(record({ windows }), [-2_000_000_000, 4_000_000_000, 3_000_000_000])
  expect(receipt).toMatchObject({ left: '3.00', tightest: 'acme:2026' })
  expect(receipt.budgets).toMatchObject([
    { budget: 'pilot', mode: 'warn', leftUsd: '-2.00', usedPercent: 300 },
    { budget: 'company', mode: 'enforce' },
    { budget: 'acme', window: '2026', mode: 'enforce' },
  ])
  const warned = receiptOf(record({ windows: windows.slice(0, 1) }), [-2])
  expect(warned).toMatchObject({ left: null, tightest: null })
})
