import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  keepTurns,
  LAP,
  LAST_PLACE,
  LATE_UNITS,
  LEAST_RATIO,
  LOOK_AGAIN_MS,
  lateReply,
  MOST_RATIO,
  moveTurns,
  nextTurn,
  priorityInLap,
  priorityOf,
  tagOf,
  takeTurn,
  UNIT,
} from '../../src/admission/model/fair.ts'
import { type Context, emptySlot } from '../../src/admission/model.ts'
import type { TurnAsk } from '../../src/admission/plan-lines.ts'

const QUEUE = 'interactive'

interface Waiting {
  readonly flow: string
  readonly seq: number
  priority: number
}

/** A queue as BullMQ keeps it, lowest priority first and equals in order, beside a clock that the test moves. */
function machine() {
  const state = emptySlot()
  state.slot = { epoch: 1, open: true, acked: '0', trimmed: '0' }
  const clock = { nowMs: 1_000_000 }
  const effects = { result: () => {}, cancel: () => {} }
  const ctx = (): Context => ({ state, nowMs: clock.nowMs, epoch: 1, effects })
  const waiting: Waiting[] = []
  let seq = 0
  const ask = (flow: string, costNano = 100, weight = 1): TurnAsk => ({
    ...{ queue: QUEUE, flow, costNano, weight },
  })
  return {
    state,
    clock,
    ctx,
    ask,
    waiting,
    handIn(asked: TurnAsk): Waiting {
      const job = { flow: asked.flow, seq: seq++, priority: takeTurn(ctx(), asked) }
      waiting.push(job)
      return job
    },
    take(): Waiting | undefined {
      let first = 0
      waiting.forEach((job, at) => {
        const best = waiting[first]
        if (best && order(job, best) < 0) first = at
      })
      const [job] = waiting.splice(first, 1)
      if (job) moveTurns(ctx(), { ...ask(job.flow), priority: job.priority, again: false })
      return job
    },
  }
}

const order = (a: Waiting, b: Waiting): number => a.priority - b.priority || a.seq - b.seq

const flow = fc.record({
  weight: fc.integer({ min: 1, max: 20 }),
  costNano: fc.nat(1_000_000),
})

test('no flow waits for ever: what goes before a job is bounded by its own backlog and the weights alone', () => {
  const law = fc.property(
    fc.array(flow, { minLength: 1, maxLength: 5 }),
    flow,
    fc.integer({ min: 0, max: 40 }),
    fc.integer({ min: 0, max: 2 }),
    (greedy, mine, headStart, own) => {
      const queue = machine()
      const asks = greedy.map(({ costNano, weight }, i) => queue.ask(`g${i}`, costNano, weight))
      const myAsk = queue.ask('mine', mine.costNano, mine.weight)
      for (let i = 0; i < headStart; i++) for (const one of asks) queue.handIn(one)
      for (let i = 0; i < headStart; i++) queue.take()
      for (let i = 0; i < own; i++) queue.handIn(myAsk)
      const virtual = queue.state.turns.get(QUEUE)?.virtual ?? 0
      const job = queue.handIn(myAsk)
      const reach = tagOf({ lap: 0 }, job.priority) - virtual + 2 * UNIT
      // Each of a flow's jobs moves it by this at least, and what lies beyond the reach comes after ours.
      const bounds = asks.map(
        ({ weight }) => Math.ceil((reach * weight) / (UNIT * LEAST_RATIO)) + 1,
      )
      const served = asks.map(() => 0)
      for (;;) {
        // As many come as are taken, and more: the queue only grows.
        for (const one of asks) queue.handIn(one)
        const taken = queue.take()
        if (!taken || taken === job) return
        const at = asks.findIndex((one) => one.flow === taken.flow)
        if (at < 0) continue
        served[at] = (served[at] ?? 0) + 1
        expect(served[at]).toBeLessThanOrEqual(bounds[at] ?? 0)
      }
    },
  )
  fc.assert(law, { numRuns: 100 })
})

test('flows with a backlog are served by their weights', () => {
  const law = fc.property(
    fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 5 }),
    (weights) => {
      const queue = machine()
      const served = weights.map(() => 0)
      for (let i = 0; i < 40; i++)
        for (const [f, w] of weights.entries()) queue.handIn(queue.ask(String(f), 100, w))
      const rounds = 4
      const total = weights.reduce((sum, weight) => sum + weight, 0) * rounds
      for (let i = 0; i < total; i++) {
        const taken = queue.take()
        if (!taken) throw new Error('the queue ran dry')
        served[Number(taken.flow)] = (served[Number(taken.flow)] ?? 0) + 1
        queue.handIn(queue.ask(taken.flow, 100, weights[Number(taken.flow)]))
      }
      // A job more or less than its share per flow, and what fits into one place of the queue.
      served.forEach((count, f) => {
        const weight = weights[f] ?? 1
        expect(Math.abs(count - weight * rounds)).toBeLessThanOrEqual(2 * weight + weights.length)
      })
    },
  )
  fc.assert(law, { numRuns: 60 })
})

test('a flow pays by money: one whose jobs cost four times as much is served a quarter as often', () => {
  const queue = machine()
  const served = { cheap: 0, dear: 0 }
  const handIn = () => [queue.ask('cheap', 100), queue.ask('dear', 400)].map(queue.handIn)
  // Until the mean has settled between the two.
  for (let i = 0; i < 400; i++) handIn()
  while (queue.take());
  for (let i = 0; i < 400; i++) handIn()
  for (let i = 0; i < 300; i++) {
    if (queue.take()?.flow === 'cheap') served.cheap += 1
    else served.dear += 1
  }
  expect(served.cheap / served.dear).toBeGreaterThan(3.5)
  expect(served.cheap / served.dear).toBeLessThan(4.5)
})

test('a priority is never 0, never past 21 bits, and keeps the order of tags', () => {
  const tag = fc.integer({ min: 0, max: 2 ** 22 }).map((units) => units * UNIT)
  const law = fc.property(tag, tag, fc.integer({ min: 0, max: 6 }), (a, b, lap) => {
    const [low, high] = [priorityOf({ lap }, Math.min(a, b)), priorityOf({ lap }, Math.max(a, b))]
    expect(low).toBeGreaterThanOrEqual(2)
    expect(high).toBeLessThanOrEqual(2 ** 21 - 1)
    expect(low).toBeLessThanOrEqual(high)
    const place = a / UNIT - lap * LAP
    if (place >= 0 && place < LAST_PLACE) {
      expect(tagOf({ lap }, priorityOf({ lap }, a))).toBe(a)
      // A job of the lap before is known for what it is, and keeps its tag when it is brought along.
      if (place + LAP < LAST_PLACE && lap > 0) {
        const old = priorityOf({ lap: lap - 1 }, a)
        expect(tagOf({ lap }, old)).toBe(a)
        expect(priorityInLap(old, lap)).toBe(priorityOf({ lap }, a))
        expect(priorityInLap(priorityInLap(old, lap), lap)).toBe(priorityInLap(old, lap))
      }
    }
  })
  fc.assert(law, { numRuns: 2_000 })
})

test('virtual time has no end: over laps of a queue that is never empty, the order of turns stays', () => {
  const queue = machine()
  const flows = ['a', 'b', 'c']
  const taken = new Map<string, number>(flows.map((name) => [name, 0]))
  const handIn = (name: string) => {
    // Beside this mean a job moves its flow as far as one may.
    const turns = queue.state.turns.get(QUEUE)
    if (turns) turns.meanNano = 100
    return queue.handIn(queue.ask(name, 1_000_000))
  }
  for (let i = 0; i < 5; i++) for (const name of flows) handIn(name)
  const laps = new Set<number>()
  const seen = { lastTag: 0, backwards: 0, low: Number.POSITIVE_INFINITY, high: 0 }
  const steps = Math.ceil((3.2 * LAP * flows.length) / MOST_RATIO)
  for (let i = 0; i < steps; i++) {
    const job = queue.take()
    const turns = queue.state.turns.get(QUEUE)
    if (!job || !turns) throw new Error('the queue ran dry')
    taken.set(job.flow, (taken.get(job.flow) ?? 0) + 1)
    const tag = tagOf(turns, job.priority)
    if (tag < seen.lastTag) seen.backwards += 1
    seen.lastTag = tag
    seen.low = Math.min(seen.low, job.priority)
    seen.high = Math.max(seen.high, job.priority)
    handIn(job.flow)
    if (i % 500 === 0) laps.add(keep(queue))
  }
  expect([...laps]).toEqual([0, 1, 2, 3])
  expect(seen.backwards).toBe(0)
  expect(seen.low).toBeGreaterThanOrEqual(2)
  expect(seen.high).toBeLessThanOrEqual(2 ** 21 - 1)
  // Nobody lost a turn in any of them.
  for (const count of taken.values()) expect(Math.abs(count - steps / 3)).toBeLessThanOrEqual(2)
})

/** What the scheduled job does, once a minute. */
function keep({ ctx, clock, waiting, state }: ReturnType<typeof machine>): number {
  clock.nowMs += LOOK_AGAIN_MS
  const asked = keepTurns(ctx(), { queue: QUEUE, clean: null })
  if (asked.outcome === 'kept' && asked.sweep !== null) {
    for (const job of waiting) job.priority = priorityInLap(job.priority, asked.sweep)
    keepTurns(ctx(), { queue: QUEUE, clean: asked.sweep })
  }
  return state.turns.get(QUEUE)?.lap ?? 0
}

test('a lap begins when the one before is over and clean, and one caller at a time is asked to sweep', () => {
  const { ctx, clock, state, ask } = machine()
  const sweep = (clean: number | null = null) => keepTurns(ctx(), { queue: QUEUE, clean })
  expect(sweep()).toEqual({ outcome: 'kept', sweep: null })
  moveTurns(ctx(), { ...ask('a'), priority: priorityOf({ lap: 0 }, LAP * UNIT), again: false })
  expect(sweep()).toEqual({ outcome: 'kept', sweep: 1 })
  expect(sweep()).toEqual({ outcome: 'kept', sweep: null })
  // Somebody who swept at once may have missed what was on its way: a look a minute later says it is clean.
  sweep(1)
  expect(state.turns.get(QUEUE)?.cleanLap).toBe(0)
  clock.nowMs += LOOK_AGAIN_MS
  expect(sweep()).toEqual({ outcome: 'kept', sweep: 1 })
  expect(sweep(1)).toEqual({ outcome: 'kept', sweep: null })
  expect(state.turns.get(QUEUE)).toMatchObject({ lap: 1, cleanLap: 1 })
})

test('a job that comes back long after its turn gets a new one, behind what its flow has handed in', () => {
  const { ctx, ask } = machine()
  const mine = ask('mine')
  const priority = takeTurn(ctx(), mine)
  const soon = priorityOf({ lap: 0 }, LATE_UNITS * UNIT)
  moveTurns(ctx(), { ...mine, priority: soon, again: false })
  expect(lateReply(ctx(), { ...mine, priority, again: true })).toBeNull()
  const late = priorityOf({ lap: 0 }, (LATE_UNITS + 1) * UNIT)
  moveTurns(ctx(), { ...mine, priority: late, again: false })
  expect(lateReply(ctx(), { ...mine, priority, again: false })).toBeNull()
  const first = lateReply(ctx(), { ...mine, priority, again: true })
  const second = lateReply(ctx(), { ...mine, priority, again: true })
  expect(first?.priority).toBe(late)
  expect(second?.priority).toBeGreaterThan(late)
})

test('a job that is handed in again pays for no second turn', () => {
  const { ctx, ask } = machine()
  takeTurn(ctx(), ask('mine'))
  const next = nextTurn(ctx(), ask('mine'))
  expect(nextTurn(ctx(), ask('mine'))).toBe(next)
  expect(takeTurn(ctx(), ask('mine'))).toBe(next)
})
