import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { budgetGrant } from '../../src/admin/budget/grant.ts'
import { budgetList } from '../../src/admin/budget/list.ts'
import { keysCreate } from '../../src/admin/keys.ts'
import { usersSetTier } from '../../src/admin/users.ts'
import { type EmbeddedForCli, startEmbeddedForCli } from './cli-embedded.ts'
import { bursar, type Env } from './cli-harness.ts'
import { type Rig, startRig } from './queue-rig.ts'

let rig: Rig
let running: EmbeddedForCli
let finance: string
beforeAll(async () => {
  rig = await startRig({ workers: false })
  running = await startEmbeddedForCli(rig)
  const made = await bursar(['keys', 'create', '--role', 'finance', '--json'], running.env)
  finance = keysCreate.output.parse(JSON.parse(made.stdout)).apiKey
})
afterAll(async () => {
  await running.close()
  await rig.close()
})

/** Where a command line may find a Bursar, and who it is there. */
const WAYS: readonly (readonly [name: string, env: () => Env, by: RegExp])[] = [
  ['on the servers of a company', () => rig.env, /^operator$/],
  ['beside a running embedded process', () => running.env, /^operator$/],
  [
    'over HTTP, with the key of finance',
    () => ({ BURSAR_URL: running.url, BURSAR_API_KEY: finance }),
    /^key /,
  ],
]

describe.each(WAYS)('bursar budget %s', (_, env, by) => {
  test('grants, shows and revokes', async () => {
    const grant = ['budget', 'grant', 'company', '--usd', '50', '--for', '3d', '--reason', 'launch']
    const made = await bursar([...grant, '--json'], env())
    const { credit, window } = budgetGrant.output.parse(JSON.parse(made.stdout))
    expect(credit).toMatchObject({ budget: 'company', amountNano: 50e9, state: 'active' })
    expect(credit.grantedBy).toMatch(by)
    expect(window?.limitNano).toBe(2_050e9)

    const listed = await bursar(['budget', 'list', 'company', '--json'], env())
    const { budgets, credits } = budgetList.output.parse(JSON.parse(listed.stdout))
    expect(budgets).toMatchObject([
      { budget: 'company', limitNano: 2_050e9, creditNano: 50e9, leftNano: 2_050e9 },
    ])
    expect(credits[0]).toMatchObject({ id: credit.id, reason: 'launch' })
    const table = (await bursar(['budget', 'list'], env())).stdout
    expect(table).toMatch(/BUDGET +WINDOW +LIMIT USD/)
    expect(table).toContain(credit.id)

    const revoked = await bursar(['budget', 'revoke', credit.id, '--reason', 'enough'], env())
    expect(revoked.stdout).toContain(`credit ${credit.id} is revoked`)
    expect(revoked.stdout).toContain('2000.00 USD now')
  })

  test('says what it does not know', async () => {
    const reason = ['--usd', '1', '--reason', 'x']
    const budget = await bursar(['budget', 'grant', 'compny', ...reason], env())
    expect(budget).toMatchObject({ code: 1, stderr: expect.stringContaining('no budget compny') })
    const window = await bursar(
      ['budget', 'grant', 'company', '--window', '1999-01', ...reason],
      env(),
    )
    expect(window).toMatchObject({ code: 1, stderr: expect.stringContaining('1999-01') })
    const credit = await bursar(['budget', 'revoke', 'c-none'], env())
    expect(credit).toMatchObject({ code: 1, stderr: expect.stringContaining('bursar budget list') })
  })
})

test('a user of the budget of a tier is raised by name, also before anybody spent from it', async () => {
  const name = 'tier.basic/acme/u 7'
  const words = ['--usd', '3', '--reason', 'x', '--json']
  const made = await bursar(['budget', 'grant', name, ...words], rig.env)
  const { credit, window } = budgetGrant.output.parse(JSON.parse(made.stdout))
  expect(credit.budget).toBe('tier.basic/acme/u%207')
  expect(window?.limitNano).toBe(53e9)
  const quota = await rig.client.quota({ user: 'u 7', tenant: 'acme' })
  expect(quota.budgets.find(({ budget }) => budget === credit.budget)?.limitUsd).toBe('53.00')
})

test('bursar users gives a tier, lists it and takes it back; finance may not', async () => {
  const set = ['users', 'set-tier', 'u42', 'premium', '--tenant', 'acme', '--reason', 'paid']
  const made = await bursar([...set, '--json'], running.env)
  expect(usersSetTier.output.parse(JSON.parse(made.stdout))).toMatchObject({
    ...{ tenant: 'acme', user: 'u42', tier: 'premium', inForce: true, setBy: 'operator' },
  })
  expect((await bursar(['users', 'list'], running.env)).stdout).toMatch(/acme +u42 +premium/)
  const clear = ['users', 'clear-tier', 'u42', '--tenant', 'acme']
  expect((await bursar(clear, running.env)).stdout).toContain('the policy says')
  const asFinance = { BURSAR_URL: running.url, BURSAR_API_KEY: finance }
  expect(await bursar(set, asFinance)).toMatchObject({ code: 1 })
})
