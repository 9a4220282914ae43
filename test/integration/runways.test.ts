import { afterAll, beforeAll, expect, it } from 'vitest'
import type { AdminCommand } from '../../src/admin/command.ts'
import { parkedCommand } from '../../src/admin/parked/parked.ts'
import { embeddedPlace } from '../../src/admin/place/embedded.ts'
import { storesPlace } from '../../src/admin/place/stores.ts'
import { reportCommand } from '../../src/admin/report/report.ts'
import { openWindows } from '../../src/admission/plan/find-windows.ts'
import { runwaysTable } from '../../src/cli/report/runways.ts'
import { isEmbedded, POLICY, type Rig, startRig, until } from './queue-rig.ts'

const USD = 1_000_000_000
const TIGHT = POLICY.replace(
  'ladders:',
  `  - { id: acme, scope: { tenant: acme }, usd: "1", per: month }
  - { id: tenants, scope: tenant, usd: "9", per: year }
  - { id: watched, scope: tenant, usd: "0.000001", per: month, mode: warn }
ladders:`,
)

let rig: Rig
beforeAll(async () => {
  rig = await startRig({ policy: TIGHT })
})
afterAll(() => rig.close())

async function order<Input, Output>(command: AdminCommand<Input, Output>, given: unknown) {
  const { runtime, options } = rig
  const place = isEmbedded
    ? { ...embeddedPlace(runtime), close: async () => {} }
    : storesPlace(options)
  try {
    return command.output.parse(await command.run(place, command.input.parse(given)))
  } finally {
    await place.close()
  }
}

const work = (tenant: string, more: object = {}) => ({
  ...{ user: 'u1', tenant, model: 'gpt-6-astra', pinned: true, cache: false },
  messages: [{ role: 'user' as const, content: `for ${tenant}` }],
  ...more,
})

/** Holds all that is left of a budget. @returns how much that was. */
async function holdRest(budget: string): Promise<number> {
  const { store, rules } = rig.runtime
  const { policy } = rules.current()
  const [line] = openWindows(policy, budget, Date.now())
  const [state] = line ? await store.peek([line.key]) : []
  if (!line || !state) throw new Error(`${budget} has a window`)
  const fixedNano = state.limitNano - state.spentNano - state.heldNano
  const offer = { outputPico: 0, capTokens: 0, floorTokens: 0, until: null, inputTokens: 0 }
  const reply = await store.admit({
    ...{ attempt: 'filler/1', job: 'filler', policy: policy.version, windows: [line] },
    ...{ rungs: [{ ...offer, gate: 'openai:filler', fixedNano }], limits: [], cacheKey: null },
    ...{ maxTakes: 9, ttlMs: 600_000, meta: '' },
  })
  expect(reply.outcome).toBe('held')
  return fixedNano
}

it('what waits has a price tag for each tenant, and each tenant a runway', async () => {
  for (const tenant of ['acme', 'globex']) {
    await rig.client.run(work(tenant, { max_completion_tokens: 20 }))
  }
  const held = await holdRest('acme')
  const late = { urgency: 'deferrable', max_completion_tokens: 4_000 }
  const jobs = await Promise.all([1, 2, 3].map(() => rig.client.enqueue(work('acme', late))))
  await until(async () => (await order(parkedCommand, {})).total.jobs === jobs.length)
  await rig.drain()

  const { tenants, runwayFault, total } = await order(parkedCommand, { limit: 1 })
  expect(runwayFault).toBeNull()
  expect(tenants).toMatchObject([
    { tenant: 'acme', jobs: 3, mostNano: total.mostNano, unpriced: 0 },
  ])
  expect(total.mostNano).toBeGreaterThan(3 * 0.1 * USD)
  expect(tenants[0]?.runway).toMatchObject({ budget: 'acme', leftNano: 0 })
  expect(Date.parse(tenants[0]?.runway?.usedUpAt ?? '')).toBeLessThanOrEqual(Date.now())
  expect(held).toBeLessThan(USD)
})

it('budgets that work waits for are told page by page, all of them once', async () => {
  const { batch } = rig.runtime.queues
  const [like] = await batch.getJobs('delayed', 0, 0)
  if (!like) throw new Error('work waits')
  const sinceMs = Date.now()
  for (let i = 0; i < 25; i++) {
    const id = `like-${i}`
    const job = await batch.add(like.name, { ...like.data, id }, { jobId: id, delay: 9_000_000 })
    const note = { by: 'budget', what: `b${i}:2026-11`, holdNano: i, sinceMs, made: 0 }
    await job.updateProgress(note)
  }
  const page = (budgets: number, budgetsFrom: number) =>
    order(parkedCommand, { limit: 0, budgets, budgetsFrom })
  const { budgets: first, total } = await page(20, 0)
  // The three that wait for acme, and these.
  expect(total).toMatchObject({ budgets: 26, tenants: 1, jobs: 28 })
  const { budgets: second } = await page(20, 20)
  expect(first[0]).toMatchObject({ budget: 'acme', jobs: 3 })
  expect(new Set([...first, ...second].map(({ budget }) => budget)).size).toBe(26)
  expect([first.length, second.length]).toEqual([20, 6])
})

it('the report says who runs out when, and which budgets only warn', async () => {
  const { runways, report, budgets } = await order(reportCommand, { by: 'tenant' })
  expect(runways?.map(({ tenant }) => tenant).toSorted()).toEqual(['acme', 'globex'])
  const acme = runways?.find(({ tenant }) => tenant === 'acme')
  expect(acme?.perHourNano).toBe(report.rows.find(({ group }) => group === 'acme')?.costNano)
  expect(acme?.leftNano).toBe(0)
  // What only warns refuses nobody, so nobody runs out of it.
  expect(runways?.map(({ budget }) => budget)).not.toContain('watched/acme')
  const warns = budgets?.windows.filter(({ warnOnly }) => warnOnly).map(({ budget }) => budget)
  expect(warns?.toSorted()).toEqual(['watched/acme', 'watched/globex'])
  expect(runwaysTable(runways ?? []).rows).toHaveLength(2)
})
