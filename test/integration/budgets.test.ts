import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Answer } from '../../src/client/answer.ts'
import { getRequest } from '../../src/ledger/queries/get-request.ts'
import { thresholdEvents } from '../../src/ledger/schema.ts'
import { createKeys, type Keys } from './gateway-key-ring.ts'
import { type GatewayRig, startGatewayRig } from './gateway-rig.ts'
import { verifyWindows } from './model-windows.ts'
import { POLICY } from './queue-rig.ts'

/** Enough for one or two answers of the dearest model, with what their holds ask. */
const TIGHT = `
  - { id: pilot, scope: { tag: feature=pilot }, usd: "0.000001", per: month, mode: warn, alert_at: [100] }
  - { id: runs, scope: run, usd: "0.01", per: lifetime }
  - { id: sessions, scope: session, windows: [{ usd: "900", per: month, starts_on: 15 }, { usd: "0.005", per: year, starts_on: 04-01 }] }
  - { id: keys, scope: key, usd: "5", per: day }
  - { id: dear, scope: { model: gpt-6-astra }, usd: "0.04", per: month }
`

let rig: GatewayRig
let keys: Keys
beforeAll(async () => {
  const policy = POLICY.replace('\nladders:', `${TIGHT}\nladders:`)
  rig = await startGatewayRig({ policy, env: { BURSAR_AUTH: 'required' } })
  keys = createKeys(rig.runtime)
})
afterAll(() => rig.close())

let asked = 0
const ask = (more: object): Promise<Answer> =>
  rig.client.run({
    user: 'rich',
    model: 'auto',
    cache: false,
    max_completion_tokens: 500,
    messages: [{ role: 'user', content: `question ${asked++}` }],
    ...more,
  })

/** Asks until a refusal, which must come. */
async function askUntilRefused(more: object): Promise<{ answers: Answer[]; refusal: unknown }> {
  const answers: Answer[] = []
  for (let i = 0; i < 100; i++) {
    try {
      answers.push(await ask(more))
    } catch (refusal) {
      return { answers, refusal }
    }
  }
  throw new Error('nothing was refused')
}

describe('a budget that warns', () => {
  it('is counted far past its limit, alerted once, and refuses nothing', async () => {
    const tags = { feature: 'pilot' }
    for (let i = 0; i < 3; i++) {
      const { receipt } = await ask({ tags, model: 'gpt-6-luna' })
      expect(receipt.steppedDown).toBe(false)
      expect(receipt.tightest).not.toContain('pilot')
      expect(Number(receipt.left)).toBeGreaterThan(0)
      const pilot = receipt.budgets.find(({ budget }) => budget === 'pilot')
      expect(pilot).toMatchObject({ mode: 'warn', limitUsd: '0.000001' })
      expect(Number(pilot?.leftUsd)).toBeLessThan(0)
    }
    const quota = await rig.client.quota({ user: 'rich', tags })
    expect(quota.tightest).not.toContain('pilot')
    expect(quota.budgets.find(({ budget }) => budget === 'pilot')).toMatchObject({ mode: 'warn' })
    await rig.drain()
    const events = await rig.runtime.ledger.db.select().from(thresholdEvents)
    expect(events.filter(({ windowKey }) => windowKey.startsWith('pilot:'))).toHaveLength(1)
    await verifyWindows(rig)
  })
})

describe('a cap per run', () => {
  it('ends one run for good, and no other; work that may wait waits for a top-up until its deadline', async () => {
    const run = { run: 'agent 7', model: 'gpt-6-luna', pinned: true }
    const { answers, refusal } = await askUntilRefused(run)
    expect(answers.length).toBeGreaterThan(0)
    expect(refusal).toMatchObject({
      code: 'BUDGET_EXHAUSTED',
      message: expect.stringContaining('it never begins anew: raise the budget'),
      detail: { budget: 'runs/default/agent%207', window: 'lifetime', resumesAt: null },
    })
    const deadline = new Date(Date.now() + 1_500)
    await expect(ask({ ...run, urgency: 'deferrable', deadline })).rejects.toMatchObject({
      code: 'DEADLINE_PASSED',
    })
    const { receipt } = await ask({ ...run, run: 'agent 8' })
    expect(receipt.tightest).toBe('runs/default/agent%208:lifetime')
    const { budgets } = await rig.client.quota({ user: 'rich', run: 'agent 7' })
    expect(budgets.find(({ window }) => window === 'lifetime')?.resetsAt).toBeNull()
  })

  it('never cuts an answer below the floor', async () => {
    const run = { run: 'floor', model: 'gpt-6-luna', pinned: true }
    const { answers } = await askUntilRefused(run)
    for (const { receipt } of answers) {
      expect(receipt.outputCapTokens).toBeGreaterThanOrEqual(16)
      expect(receipt.shortened).toBe(Number(receipt.outputCapTokens) < 500)
    }
    const cut = answers.filter(({ receipt }) => receipt.shortened)
    expect(cut.length).toBeGreaterThan(0)
    for (const { receipt } of cut) expect(receipt.why).toMatch(/its output was held to \d+ tokens/)
  })
})

describe('several windows of one budget', () => {
  it('all must agree, and begin where they say', async () => {
    const session = { session: 's1', model: 'gpt-6-luna', pinned: true }
    const { answers, refusal } = await askUntilRefused(session)
    const mine = answers[0]?.receipt.budgets.filter(({ budget }) => budget.startsWith('sessions'))
    expect(mine).toMatchObject([
      { budget: 'sessions/default/s1', window: expect.stringMatching(/-15\.\.\d{4}-\d\d-14$/) },
      { budget: 'sessions/default/s1', window: expect.stringMatching(/-04-01\.\.\d{4}-03-31$/) },
    ])
    expect(refusal).toMatchObject({ detail: { window: mine?.[1]?.window } })
  })
})

describe('a receipt', () => {
  it('says which budget made it step down', async () => {
    const receipts = []
    for (let i = 0; i < 6; i++) receipts.push((await ask({})).receipt)
    expect(receipts[0]).toMatchObject({ steppedDown: false, why: 'top rung of the ladder' })
    expect(receipts.at(-1)).toMatchObject({
      steppedDown: true,
      why: 'stepped down from gpt-6-astra to gpt-6-sol: with gpt-6-astra dear would pass 80%',
    })
  })
})

describe('the budget of an API key', () => {
  it('is that of the key that a request came with, and nobody can write another', async () => {
    const { id, text } = await keys.make({ tenant: 'acme', user: 'u7' })
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${text}` }
    const body = { model: 'gpt-6-luna', messages: [{ role: 'user', content: 'Whose?' }] }
    const answered = await rig.post('/v1/jobs?wait=60s', { ...body, session: 's9' }, headers)
    expect(answered.status).toBe(200)
    const touched = answered.body.receipt.budgets.map(({ budget }: { budget: string }) => budget)
    expect(touched).toEqual(expect.arrayContaining([`keys/${id}`, 'sessions/acme/s9']))
    const quota = await rig.ask('/v1/quota?session=s9', { headers })
    const asked = quota.body.budgets.map(({ budget }: { budget: string }) => budget)
    expect(asked).toEqual(expect.arrayContaining([`keys/${id}`, 'sessions/acme/s9']))
    const forged = { ...body, tags: { 'bursar.key': 'another' } }
    expect(await rig.post('/v1/jobs?wait=60s', forged, headers)).toMatchObject({ status: 400 })
    await rig.drain()
    const row = await getRequest(rig.runtime.ledger, answered.body.id)
    expect(row?.end?.tags).toEqual({ 'bursar.session': 's9', 'bursar.key': id })
    const own = await ask({ model: 'gpt-6-luna' })
    expect(own.receipt.budgets.map(({ budget }) => budget)).not.toContain(`keys/${id}`)
  })
})
