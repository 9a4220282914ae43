import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AdmitCommand, SettleCommand } from '../../src/admission/commands.ts'
import { createMemoryStore } from '../../src/admission/memory.ts'
import { amountFor } from '../../src/admission/model/rungs.ts'
import type { LimitLine, RungOffer, WindowLine } from '../../src/admission/plan-lines.ts'

/**
 * What counters promise, whoever comes when. The store in memory stands for all: test/conformance holds the others
 * equal to it, command by command.
 */
const NOW = Date.UTC(2026, 10, 21, 14)
const TTL_MS = 120_000
const DAY_MS = 86_400_000

const LIMITS: readonly LimitLine[] = [
  { kind: 'sliding-window', key: 'tpm', limit: 1e9, perMs: 60_000 },
  { kind: 'token-bucket', key: 'out', limit: 1e9, perMs: 60_000, burst: 1e9, unit: 'output' },
  { kind: 'concurrent', key: 'lanes', limit: 1e6 },
]

const windowsOf = (limits: readonly number[]): WindowLine[] =>
  limits.map((limitNano, at) => ({
    ...{ key: `budget${at}:2026`, limitNano, marks: [50, 100] },
    ...{ startMs: NOW - DAY_MS, endMs: NOW + 10 * DAY_MS },
  }))

function slot(windows: readonly WindowLine[]) {
  const clock = { nowMs: NOW }
  const store = createMemoryStore({ clock: () => clock.nowMs })
  const admit = (id: number, rungs: readonly RungOffer[], limits: readonly LimitLine[] = []) => {
    const command: AdmitCommand = {
      ...{ attempt: `j${id}/a`, job: `j${id}`, policy: 1, windows, rungs, limits },
      ...{ cacheKey: null, maxTakes: 9, ttlMs: TTL_MS, meta: '' },
    }
    return store.admit(command)
  }
  const peek = async () => (await store.peek(windows.map(({ key }) => key))).map((one) => one)
  return { clock, store, admit, peek }
}

const settlement = (id: number, holdNano: number, more: Partial<SettleCommand>): SettleCommand => ({
  ...{ attempt: `j${id}/a`, job: `j${id}`, kind: 'settled', costNano: 0, atMs: NOW, holdNano },
  ...{ windows: [], tokens: null, meta: '', detail: '', conclusion: null, cache: null, gate: null },
  ...more,
})

const offer = fc
  .record({
    fixedNano: fc.integer({ min: 0, max: 400 }),
    outputPico: fc.integer({ min: 0, max: 60_000 }),
    capTokens: fc.integer({ min: 1, max: 40 }),
    floorPercent: fc.integer({ min: 0, max: 100 }),
  })
  .map(
    ({ floorPercent, ...one }): RungOffer => ({
      ...one,
      ...{ gate: 'openai:m', inputTokens: 10, until: null },
      floorTokens: Math.ceil((one.capTokens * floorPercent) / 100),
    }),
  )
const NOTHING: RungOffer = {
  ...{ gate: 'openai:m', fixedNano: 0, outputPico: 0, capTokens: 1, floorTokens: 1 },
  ...{ until: null, inputTokens: 0 },
}
const rungs = fc
  .tuple(fc.array(fc.tuple(offer, fc.integer({ min: 1, max: 100 })), { maxLength: 2 }), offer)
  .map(([above, last]) => [...above.map(([one, until]) => ({ ...one, until })), last])

/** What becomes of a call after it was held: at once, later, or never. */
const end = fc.oneof(
  fc.record({ how: fc.constant('settled' as const), percent: fc.integer({ min: 0, max: 100 }) }),
  fc.record({ how: fc.constantFrom('unconfirmed' as const, 'released' as const, 'left' as const) }),
)

test('no early refusal: at the first one, some budget has less left than the refused request needs', async () => {
  const budgets = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 4 })
  const calls = fc.array(fc.record({ rungs, end }), { minLength: 80, maxLength: 80 })
  let refused = 0
  await fc.assert(
    fc.asyncProperty(budgets, calls, async (limits, all) => {
      const { store, admit } = slot(windowsOf(limits))
      await store.open(1)
      // Added up beside it, from what replies say: unconfirmed money is spent.
      let usedNano = 0
      for (const [id, call] of all.entries()) {
        const reply = await admit(id, call.rungs)
        if (reply.outcome === 'over-budget') {
          const last = call.rungs.at(-1) as RungOffer
          const restNano = Math.min(...limits) - usedNano
          expect(restNano).toBeGreaterThanOrEqual(0)
          expect(restNano).toBeLessThan(amountFor(last, last.floorTokens))
          refused += 1
          return
        }
        if (reply.outcome !== 'held') throw new Error(`${reply.outcome} of a fresh attempt`)
        const { holdNano } = reply
        usedNano += holdNano
        const { how } = call.end
        if (how === 'released') {
          await store.release({ attempt: `j${id}/a`, job: `j${id}` })
          usedNano -= holdNano
        } else if (how === 'unconfirmed') {
          await store.settle(settlement(id, holdNano, { kind: 'unconfirmed' }))
        } else if (how === 'settled') {
          const costNano = Math.floor((holdNano * call.end.percent) / 100)
          await store.settle(settlement(id, holdNano, { costNano }))
          usedNano -= holdNano - costNano
        }
      }
    }),
    { numRuns: 1_000 },
  )
  // Of budgets that are never full nothing was learned.
  expect(refused).toBeGreaterThan(500)
})

const ending = fc.record({
  costPercent: fc.integer({ min: 0, max: 130 }),
  tokens: fc.option(fc.integer({ min: 0, max: 60 })),
  /** It was booked as unknown by somebody, too: a cut stream, a zombie. */
  unknownToo: fc.boolean(),
  /** How often its settlement arrives. */
  copies: fc.integer({ min: 1, max: 3 }),
})

test('settlements commute: in whatever order they arrive, and however often, the same stands in the end', async () => {
  const holds = fc.array(fc.record({ rung: offer, ending }), { minLength: 1, maxLength: 12 })
  const orders = fc.array(fc.array(fc.nat(), { minLength: 48, maxLength: 48 }), {
    minLength: 2,
    maxLength: 2,
  })
  await fc.assert(
    fc.asyncProperty(holds, orders, async (all, [one = [], other = []]) => {
      const settled = async (order: readonly number[]) => {
        const { store, admit, peek } = slot(windowsOf([1e9, 2e9]))
        await store.open(1)
        const commands: SettleCommand[] = []
        for (const [id, { rung, ending: how }] of all.entries()) {
          const reply = await admit(id, [rung], LIMITS)
          if (reply.outcome !== 'held') throw new Error(reply.outcome)
          const { holdNano } = reply
          const costNano = Math.floor((holdNano * how.costPercent) / 100)
          const used = { tokens: how.tokens, outputTokens: how.tokens }
          const known = settlement(id, holdNano, { costNano, ...used })
          commands.push(...Array.from({ length: how.copies }, () => known))
          if (how.unknownToo) commands.push(settlement(id, holdNano, { kind: 'unconfirmed' }))
        }
        const shuffled = commands
          .map((command, at) => ({ command, key: order[at % order.length] ?? 0 }))
          .toSorted((a, b) => a.key - b.key)
        for (const { command } of shuffled) await store.settle(command)
        const entries = await store.outbox.read('0', 1_000)
        return {
          windows: (await peek()).map((state) => ({ ...state, firedPercent: 0 })),
          limits: await store.peekLimits(LIMITS),
          booked: sumByAttempt(entries),
        }
      }
      const [first, second] = [await settled(one), await settled(other)]
      expect(first.windows).toEqual(second.windows)
      expect(first.booked).toEqual(second.booked)
      // Whether an unknown outcome gave tokens back depends on who came first; lanes are free in both.
      expect(first.limits.at(-1)).toEqual(second.limits.at(-1))
    }),
    { numRuns: 300 },
  )
})

function sumByAttempt(entries: readonly { readonly type: string }[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const entry of entries) {
    if (!('attempt' in entry) || !('amountNano' in entry)) continue
    const attempt = String(entry.attempt)
    sums[attempt] = (sums[attempt] ?? 0) + Number(entry.amountNano)
  }
  return sums
}

test('counters never go below nothing, and what is held is what live holds add up to', async () => {
  const id = fc.nat({ max: 7 })
  const step = fc.oneof(
    fc.record({ do: fc.constant('admit' as const), id, rung: offer }),
    fc.record({
      do: fc.constant('settle' as const),
      ...{
        id,
        costNano: fc.integer({ min: 0, max: 4_000 }),
        tokens: fc.option(fc.nat({ max: 90 })),
      },
    }),
    fc.record({ do: fc.constant('unknown' as const), id }),
    fc.record({ do: fc.constant('release' as const), id }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, TTL_MS, 4 * DAY_MS) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async (steps) => {
      const { store, clock, admit, peek } = slot(windowsOf([6_000, 9_000]))
      await store.open(1)
      // Who settles what a slot has no record of was held in windows that it has.
      await admit(99, [NOTHING])
      const held = new Map<number, number>()
      for (const one of steps) {
        if (one.do === 'admit') {
          const reply = await admit(one.id, [one.rung], LIMITS)
          if (reply.outcome === 'held') held.set(one.id, reply.holdNano)
        } else if (one.do === 'settle' || one.do === 'unknown') {
          const kind = one.do === 'settle' ? 'settled' : 'unconfirmed'
          const more = one.do === 'settle' ? { costNano: one.costNano, tokens: one.tokens } : {}
          const windows = windowsOf([6_000, 9_000]).map(({ key }) => key)
          await store.settle(settlement(one.id, 100, { kind, atMs: clock.nowMs, windows, ...more }))
          held.delete(one.id)
        } else if (one.do === 'release') {
          await store.release({ attempt: `j${one.id}/a`, job: `j${one.id}` })
          held.delete(one.id)
        } else {
          clock.nowMs += one.ms
          await store.expire(100)
          if (one.ms >= TTL_MS) held.clear()
        }
        const heldNano = [...held.values()].reduce((sum, nano) => sum + nano, 0)
        for (const state of await peek()) {
          if (!state) continue
          expect(state.spentNano).toBeGreaterThanOrEqual(0)
          expect(state.heldNano).toBe(heldNano)
        }
        for (const [at, state] of (await store.peekLimits(LIMITS)).entries()) {
          const line = LIMITS[at]
          expect(state?.remaining).toBeLessThanOrEqual(line?.limit ?? 0)
        }
      }
    }),
    { numRuns: 500 },
  )
})
