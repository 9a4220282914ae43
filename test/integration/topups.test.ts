import { readFile, writeFile } from 'node:fs/promises'
import { afterEach, expect, it } from 'vitest'
import { publishTiers } from '../../jobs/publish-tiers.ts'
import { releaseParked } from '../../jobs/release-parked.ts'
import { repeatCredits } from '../../jobs/repeat-credits.ts'
import { budgetGrant, budgetRevoke } from '../../src/admin/budget/grant.ts'
import { budgetList } from '../../src/admin/budget/list.ts'
import type { AdminCommand } from '../../src/admin/command.ts'
import { parkedCommand } from '../../src/admin/parked/parked.ts'
import { embeddedPlace } from '../../src/admin/place/embedded.ts'
import { storesPlace } from '../../src/admin/place/stores.ts'
import { usersList, usersSetTier } from '../../src/admin/users.ts'
import { openWindows } from '../../src/admission/plan/find-windows.ts'
import { insertCredit } from '../../src/ledger/credits.ts'
import { recordTier } from '../../src/ledger/user-tiers.ts'
import { isEmbedded, POLICY, type Rig, startRig, until } from './queue-rig.ts'

let rig: Rig
afterEach(() => rig.close())

const USD = 1_000_000_000
const ONE_USD = POLICY.replace('usd: "2000"', 'usd: "1"')

const work = (content: string, more = {}) => ({
  ...{ user: 'u1', model: 'auto', cache: false, max_completion_tokens: 100 },
  ...{ urgency: 'deferrable' as const, messages: [{ role: 'user' as const, content }] },
  ...more,
})

/** Asks as the command line does. */
async function order<Input, Output>(command: AdminCommand<Input, Output>, given: unknown) {
  const { runtime, options } = rig
  const place = isEmbedded
    ? { ...embeddedPlace(runtime), close: async () => {} }
    : storesPlace(options)
  try {
    return await command.run({ ...place, by: 'test' }, command.input.parse(given))
  } finally {
    await place.close()
  }
}

const company = () => {
  const [line] = openWindows(rig.runtime.rules.current().policy, 'company', Date.now())
  if (!line) throw new Error('company has a window')
  return line
}

/** Holds all that a budget has, the company's when none is named, until it is given back. */
async function holdAll(line = company()): Promise<() => Promise<unknown>> {
  const { store, rules } = rig.runtime
  const attempt = `filler/${line.limitNano}`
  const offer = { outputPico: 0, capTokens: 0, floorTokens: 0, until: null, inputTokens: 0 }
  const reply = await store.admit({
    ...{ attempt, job: 'filler', policy: rules.current().policy.version, windows: [line] },
    rungs: [{ ...offer, gate: 'openai:filler', fixedNano: line.limitNano }],
    ...{ limits: [], cacheKey: null, maxTakes: 9, ttlMs: 600_000, meta: '' },
  })
  expect(reply.outcome).toBe('held')
  return () => store.release({ attempt, job: 'filler' })
}

const parkedJobs = async (count: number) =>
  until(async () => (await order(parkedCommand, {})).total.jobs === count)

/** What a worker with the role jobs does every other second. */
const release = () => releaseParked.run(rig.runtime)

it('work that is parked by its budget goes on with a top-up, oldest first and as far as it reaches', async () => {
  rig = await startRig({ policy: ONE_USD })
  await holdAll()
  const jobs: string[] = []
  for (const content of ['one', 'two', 'three']) {
    jobs.push((await rig.client.enqueue(work(content))).jobId)
    await parkedJobs(jobs.length)
  }
  expect(await release()).toBeUndefined()

  const { jobs: listed, budgets } = await order(parkedCommand, {})
  const most = listed[0]?.mostNano ?? 0
  const { window } = company().key.match(/:(?<window>.*)$/)?.groups ?? {}
  expect(budgets).toEqual([
    expect.objectContaining({ budget: 'company', window, jobs: 3, mostNano: 3 * most }),
  ])
  expect(budgets[0]?.command).toContain('bursar budget grant company --usd')

  const reason = 'a test'
  const granted = await order(budgetGrant, { budget: 'company', amountNano: most, reason })
  expect(granted.window).toMatchObject({ limitNano: USD + most, heldNano: USD })
  await until(async () => (await release()) !== undefined)
  const { receipt } = await rig.client.result(jobs[0] ?? '')
  expect(receipt.budgets.find(({ budget }) => budget === 'company')).toMatchObject({
    limitUsd: expect.stringMatching(/^1\.00/),
    usedPercent: expect.any(Number),
  })
  const { budgets: shown } = await rig.client.quota({ user: 'u1' })
  expect(Number(shown.find(({ budget }) => budget === 'company')?.limitUsd)).toBeGreaterThan(1)

  await order(budgetGrant, { budget: 'company', amountNano: 5 * most, reason, forMs: 60_000 })
  await until(async () => (await release()) !== undefined)
  await rig.client.result(jobs[1] ?? '')
  await until(async () => {
    await release()
    return (await order(parkedCommand, {})).total.jobs === 0
  })
  await rig.client.result(jobs[2] ?? '')

  const { credits, budgets: rows } = await order(budgetList, { budget: 'company' })
  expect(credits).toMatchObject([
    { state: 'active', grantedBy: 'test', reason },
    { state: 'active', amountNano: most },
  ])
  expect(rows[0]).toMatchObject({ creditNano: 6 * most, limitNano: USD + 6 * most })
  const [newest] = credits
  const revoked = await order(budgetRevoke, { id: newest?.id, reason: 'enough' })
  expect(revoked).toMatchObject({
    credit: { state: 'revoked', revokedBy: 'test', revokedReason: 'enough' },
    window: { limitNano: USD + most },
  })
})

it('topup-lost-after-ledger', async () => {
  rig = await startRig({ policy: ONE_USD, workers: false })
  const { ledger, store } = rig.runtime
  const { key, startMs, endMs, limitNano, marks } = company()
  const [budget = '', window = ''] = key.split(':')
  await insertCredit(ledger, {
    ...{ id: 'c-lost', budget, window, amountNano: USD, untilMs: null, policyVersion: 1 },
    ...{ startMs, endMs, limitNano, marks: [...marks], warnOnly: false },
    ...{ reason: 'its process died here', grantedBy: 'test', grantedAtMs: Date.now() },
  })
  expect(await store.peek([key])).toEqual([null])
  for (let again = 0; again < 2; again++) {
    await repeatCredits.run(rig.runtime)
    expect(await store.peek([key])).toMatchObject([{ limitNano: 2 * USD, creditNano: USD }])
  }
})

it('a hold that comes back lets parked work go on', async () => {
  rig = await startRig({ policy: ONE_USD })
  const giveBack = await holdAll()
  const { jobId } = await rig.client.enqueue(work('one'))
  await parkedJobs(1)
  expect(await release()).toBeUndefined()
  await giveBack()
  await until(async () => (await release()) !== undefined)
  await rig.client.result(jobId)
})

it('work over a budget for good waits for a top-up, is granted one and answered', async () => {
  const policy = POLICY.replace(
    'ladders:',
    '  - { id: runs, scope: run, usd: "1", per: lifetime }\nladders:',
  )
  rig = await startRig({ policy })
  const [line] = openWindows(rig.runtime.rules.current().policy, 'runs/default/r1', Date.now())
  await holdAll(line)
  const { jobId } = await rig.client.enqueue(work('one', { run: 'r1' }))
  await parkedJobs(1)
  expect(await release()).toBeUndefined()
  const { budgets } = await order(parkedCommand, {})
  expect(budgets).toMatchObject([{ budget: 'runs/default/r1', window: 'lifetime', jobs: 1 }])
  const [what] = budgets
  const granted = { budget: what?.budget, amountNano: what?.mostNano, reason: 'one more' }
  await order(budgetGrant, granted)
  await until(async () => (await release()) !== undefined)
  const { receipt } = await rig.client.result(jobId)
  expect(receipt.budgets.map(({ budget }) => budget)).toContain('runs/default/r1')
})

it('a policy edit lets parked work go on', async () => {
  rig = await startRig({ policy: ONE_USD })
  await holdAll()
  const jobs: string[] = []
  for (const content of ['one', 'two']) {
    jobs.push((await rig.client.enqueue(work(content))).jobId)
    await parkedJobs(jobs.length)
  }
  const before = rig.runtime.rules.current().policy.version
  const file = rig.options.BURSAR_POLICY
  await writeFile(file, (await readFile(file, 'utf8')).replace('usd: "1"', 'usd: "2"'))
  await until(async () => rig.runtime.rules.current().policy.version > before)
  await until(async () => {
    await release()
    return (await order(parkedCommand, {})).total.jobs === 0
  })
  for (const job of jobs) await rig.client.result(job)
})

it('a deadline that passes while work is parked ends it as expired, within seconds', async () => {
  rig = await startRig({ policy: ONE_USD })
  await holdAll()
  const deadline = Date.now() + 1_500
  const { jobId } = await rig.client.enqueue(work('one', { deadline: new Date(deadline) }))
  await expect(rig.client.result(jobId)).rejects.toMatchObject({ code: 'DEADLINE_PASSED' })
  expect(Date.now()).toBeGreaterThanOrEqual(deadline)
  expect(Date.now() - deadline).toBeLessThan(10_000)
})

it('a tier that a user was given counts before the policy, and less than what a request says', async () => {
  rig = await startRig({ workers: false })
  const tierOf = async (who: { user: string; tenant?: string; tier?: string }) =>
    (await rig.newClient().quota(who)).tier
  expect(await tierOf({ user: 'u1' })).toBe('basic')
  expect(await tierOf({ user: 'rich' })).toBe('premium')
  await order(usersSetTier, { user: 'u1', tier: 'premium', forMs: 60_000, reason: 'paid' })
  await order(usersSetTier, { user: 'rich', tier: 'basic' })
  await order(usersSetTier, { user: 'u1', tier: 'basic', tenant: 'acme' })
  expect(await tierOf({ user: 'u1' })).toBe('premium')
  expect(await tierOf({ user: 'rich' })).toBe('basic')
  expect(await tierOf({ user: 'u1', tenant: 'acme' })).toBe('basic')
  expect(await tierOf({ user: 'u1', tier: 'basic' })).toBe('basic')
  await order(usersSetTier, { user: 'rich', tier: null })
  expect(await tierOf({ user: 'rich' })).toBe('premium')
  const { users } = await order(usersList, { tenant: 'default' })
  expect(users).toMatchObject([
    { user: 'rich', tier: null, inForce: false },
    { user: 'u1', tier: 'premium', inForce: true, setBy: 'test', reason: 'paid' },
  ])
  await expect(order(usersSetTier, { user: 'u1', tier: 'gold' })).rejects.toMatchObject({
    code: 'UNKNOWN_TIER',
  })
})

it('a tier that was written down and told to nobody is told by the job', async () => {
  rig = await startRig({ workers: false })
  const change = { tenant: 'default', user: 'u2', tier: 'premium', untilMs: null }
  const { ledger } = rig.runtime
  await recordTier(ledger, {
    ...change,
    ...{ reason: '', setBy: 'test', setAtMs: Date.now(), event: null },
  })
  expect((await rig.newClient().quota({ user: 'u2' })).tier).toBe('basic')
  expect(await publishTiers.run(rig.runtime)).toEqual({ published: 1 })
  expect((await rig.newClient().quota({ user: 'u2' })).tier).toBe('premium')
  expect(await publishTiers.run(rig.runtime)).toBeUndefined()
})
