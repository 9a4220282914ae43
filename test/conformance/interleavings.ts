import { describe, expect, test } from 'vitest'
import type { AdmitCommand, SettleCommand } from '../../src/admission/commands.ts'
import type { PostingEntry } from '../../src/admission/outbox.ts'
import { attemptMeta } from '../helpers/attempt-meta.ts'
import type { SlotUnderTest, TestClock } from './stores.ts'

export const START_MS = Date.UTC(2026, 10, 21, 14, 30)
const HOUR_START_MS = Date.UTC(2026, 10, 21, 14)
const HOUR_MS = 3_600_000
export const TTL_MS = 120_000
const HOUR = 'company:2026-11-21T14'

const meta = attemptMeta({ enqueuedAtMs: START_MS })

export interface Wish {
  amountNano?: number
  limitNano?: number
  policy?: number
  hour?: number
  maxTakes?: number
  cacheKey?: string
}

export function asking(attempt: string, wish: Wish = {}): AdmitCommand {
  const {
    amountNano = 2,
    limitNano = 3,
    policy = 1,
    hour = 0,
    maxTakes = 9,
    cacheKey = null,
  } = wish
  return {
    attempt,
    job: attempt.slice(0, attempt.indexOf('/')),
    policy,
    windows: [
      {
        key: `company:2026-11-21T${14 + hour}`,
        startMs: HOUR_START_MS + hour * HOUR_MS,
        endMs: HOUR_START_MS + (hour + 1) * HOUR_MS,
        limitNano,
        marks: [50, 80, 100],
      },
    ],
    rungs: [
      {
        gate: 'openai:big',
        fixedNano: amountNano,
        outputPico: 0,
        capTokens: 0,
        floorTokens: 0,
        until: null,
        inputTokens: 0,
      },
    ],
    limits: [],
    cacheKey,
    maxTakes,
    ttlMs: TTL_MS,
    meta,
  }
}

export function settling(
  attempt: string,
  wish: Partial<SettleCommand> & Pick<SettleCommand, 'kind'>,
): SettleCommand {
  return {
    attempt,
    job: attempt.slice(0, attempt.indexOf('/')),
    costNano: 0,
    atMs: START_MS,
    holdNano: 2,
    windows: [HOUR],
    tokens: null,
    meta,
    detail: '',
    conclusion: null,
    cache: null,
    gate: null,
    ...wish,
  }
}

export const answered = (text: string): SettleCommand['conclusion'] => ({
  outcome: 'answered',
  reason: '',
  result: text,
  replyTo: '',
  resultTtlMs: 3_600_000,
})

/** The interleavings of PROTOCOL.md section 6 that one slot can show by itself, by their names there. */
export function interleavings(
  name: string,
  makeSlot: (clock: TestClock) => Promise<SlotUnderTest>,
): void {
  describe(`interleavings on ${name}`, () => {
    const slot = async () => {
      const clock: TestClock = { nowMs: START_MS }
      return { clock, store: await makeSlot(clock) }
    }
    const money = async (store: SlotUnderTest, key = HOUR) => {
      const [window] = await store.peek([key])
      return window && { spent: window.spentNano, held: window.heldNano }
    }
    const postings = async (store: SlotUnderTest) =>
      (await store.outbox.read('0', 1_000))
        .filter((entry): entry is PostingEntry => entry.type === 'posting')
        .map(({ kind, deltaNano, rev }) => ({ kind, deltaNano, rev }))

    test('attempt-lost-reply-same-hold', async () => {
      const { store } = await slot()
      const first = await store.admit(asking('j/a'))
      expect(await store.admit(asking('j/a'))).toEqual(first)
      expect(await money(store)).toEqual({ spent: 0, held: 2 })
    })

    test('attempt-late-admit-after-release-is-void', async () => {
      const { store } = await slot()
      expect(await store.release({ attempt: 'j/a', job: 'j' })).toMatchObject({
        outcome: 'released',
      })
      expect(await store.admit(asking('j/a'))).toEqual({ outcome: 'void' })
      expect(await money(store)).toBeNull()
    })

    test('attempt-late-settle-runs-twice', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a'))
      const late = settling('j/a', { kind: 'settled', costNano: 1 })
      expect(await store.settle(late)).toMatchObject({ outcome: 'settled', bookedNano: 1 })
      expect(await store.settle(late)).toMatchObject({ outcome: 'unchanged', bookedNano: 1 })
      expect(await money(store)).toEqual({ spent: 1, held: 0 })
      expect(await postings(store)).toEqual([{ kind: 'settled', deltaNano: 1, rev: 1 }])
    })

    test('settle-twice', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a'))
      await store.settle(settling('j/a', { kind: 'settled', costNano: 2 }))
      await store.settle(settling('j/a', { kind: 'settled', costNano: 1 }))
      await store.settle(settling('j/a', { kind: 'unconfirmed' }))
      expect(await money(store)).toEqual({ spent: 2, held: 0 })
    })

    test('zombie-and-successor-both-call', async () => {
      const { store } = await slot()
      await store.admit(asking('j/zombie', { limitNano: 4 }))
      await store.admit(asking('j/successor', { limitNano: 4 }))
      expect(await money(store)).toEqual({ spent: 0, held: 4 })
      expect((await store.admit(asking('k/a', { limitNano: 4 }))).outcome).toBe('over-budget')
      await store.settle(settling('j/zombie', { kind: 'settled', costNano: 1 }))
      await store.settle(settling('j/successor', { kind: 'settled', costNano: 2 }))
      expect(await money(store)).toEqual({ spent: 3, held: 0 })
    })

    test('zombie-settles-after-expiry', async () => {
      const { store, clock } = await slot()
      await store.admit(asking('j/zombie'))
      clock.nowMs += TTL_MS
      await store.expire(10)
      expect(await money(store)).toEqual({ spent: 2, held: 0 })
      const late = settling('j/zombie', { kind: 'settled', costNano: 1 })
      expect(await store.settle(late)).toMatchObject({ outcome: 'adjusted', bookedNano: 1 })
      expect(await money(store)).toEqual({ spent: 1, held: 0 })
      expect(await postings(store)).toEqual([
        { kind: 'unconfirmed', deltaNano: 2, rev: 1 },
        { kind: 'adjustment', deltaNano: -1, rev: 2 },
      ])
    })

    test('zombie-settles-after-successor-answered', async () => {
      const { store } = await slot()
      const wide = { limitNano: 10 }
      await store.admit(asking('j/zombie', wide))
      await store.admit(asking('j/successor', wide))
      const successor = { kind: 'settled', costNano: 2, conclusion: answered('good') } as const
      expect(await store.settle(settling('j/successor', successor))).toMatchObject({
        concluded: true,
      })
      const zombie = { kind: 'settled', costNano: 1, conclusion: answered('late') } as const
      expect(await store.settle(settling('j/zombie', zombie))).toMatchObject({
        outcome: 'settled',
        concluded: false,
      })
      expect(await store.result('j')).toMatch(/\ngood$/)
      expect(await money(store)).toEqual({ spent: 3, held: 0 })
    })

    test('stalled-takeover-delivers-answer-without-call', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a'))
      const conclusion = answered('good')
      await store.settle(settling('j/a', { kind: 'settled', costNano: 1, conclusion }))
      expect(await store.admit(asking('j/b'))).toEqual({ outcome: 'concluded', as: 'answered' })
      expect(await money(store)).toEqual({ spent: 1, held: 0 })
    })

    test('enqueue-replayed-after-removal', async () => {
      const { store } = await slot()
      const intake = { job: 'j', limits: [], cacheKey: null, meta, body: null }
      expect((await store.intake(intake)).outcome).toBe('queued')
      expect((await store.intake(intake)).outcome).toBe('queued')
      await store.admit(asking('j/a'))
      const conclusion = answered('good')
      await store.settle(settling('j/a', { kind: 'settled', costNano: 1, conclusion }))
      expect(await store.intake(intake)).toEqual({
        outcome: 'concluded',
        as: 'answered',
        result: '2\ngood',
      })
    })

    test('death-before-send', async () => {
      const { store, clock } = await slot()
      await store.admit(asking('j/dead'))
      clock.nowMs += TTL_MS - 1
      expect(await store.expire(10)).toEqual({ outcome: 'expired', holds: [], more: false })
      clock.nowMs += 1
      expect(await store.expire(10)).toMatchObject({
        holds: [{ attempt: 'j/dead', job: 'j', holdNano: 2 }],
      })
      // Nobody can know that nothing was sent: the whole hold stays spent.
      expect(await money(store)).toEqual({ spent: 2, held: 0 })
      expect((await store.admit(asking('j/next'))).outcome).toBe('over-budget')
    })

    test('expiry-before-settle', async () => {
      const { store, clock } = await slot()
      await store.admit(asking('j/a'))
      clock.nowMs += TTL_MS
      await store.expire(10)
      const conclusion = answered('good')
      const owner = settling('j/a', { kind: 'settled', costNano: 2, conclusion })
      expect(await store.settle(owner)).toMatchObject({ outcome: 'adjusted', concluded: true })
      expect(await money(store)).toEqual({ spent: 2, held: 0 })
      expect(await store.result('j')).toMatch(/\ngood$/)
    })

    test('redis-data-loss-reuses-job-id', async () => {
      const { store } = await slot()
      await store.admit(asking('j/first', { limitNano: 4 }))
      await store.forgetJob('j')
      // The count of takes begins again, and so may BullMQ's; the attempt's own id does not.
      expect(await store.admit(asking('j/second', { limitNano: 4 }))).toMatchObject({ n: 1 })
      await store.settle(settling('j/first', { kind: 'settled', costNano: 2 }))
      await store.settle(settling('j/second', { kind: 'settled', costNano: 1 }))
      expect(await money(store)).toEqual({ spent: 3, held: 0 })
      expect(await postings(store)).toHaveLength(2)
    })

    test('settle-before-expiry', async () => {
      const { store, clock } = await slot()
      await store.admit(asking('j/a'))
      await store.settle(settling('j/a', { kind: 'settled', costNano: 1 }))
      clock.nowMs += TTL_MS
      expect(await store.expire(10)).toMatchObject({ holds: [] })
      expect(await money(store)).toEqual({ spent: 1, held: 0 })
    })

    test('a renewed hold lives, and a renewal never shortens one', async () => {
      const { store, clock } = await slot()
      await store.admit(asking('j/a'))
      clock.nowMs += TTL_MS - 1
      const renewal = { attempts: ['j/a', 'j/gone'], ttlMs: TTL_MS }
      expect(await store.renew(renewal)).toEqual({ outcome: 'renewed', lost: ['j/gone'] })
      await store.renew({ attempts: ['j/a'], ttlMs: 1 })
      clock.nowMs += TTL_MS - 1
      expect(await store.expire(10)).toMatchObject({ holds: [] })
    })

    test('expiry-then-release-by-owner', async () => {
      const { store, clock } = await slot()
      await store.admit(asking('j/a'))
      clock.nowMs += TTL_MS
      await store.expire(10)
      expect(await store.release({ attempt: 'j/a', job: 'j' })).toMatchObject({
        outcome: 'released',
      })
      expect(await money(store)).toEqual({ spent: 0, held: 0 })
      expect(await postings(store)).toEqual([
        { kind: 'unconfirmed', deltaNano: 2, rev: 1 },
        { kind: 'released', deltaNano: -2, rev: 2 },
      ])
    })

    test('bill-above-cap-is-overrun', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a'))
      expect(await store.settle(settling('j/a', { kind: 'settled', costNano: 5 }))).toMatchObject({
        bookedNano: 5,
        overrunNano: 3,
      })
      expect(await money(store)).toEqual({ spent: 5, held: 0 })
      const [posting] = await store.outbox.read('0', 1)
      expect(posting).toMatchObject({ bookedNano: 5, overrunNano: 3 })
    })

    test('settle-without-record-is-orphan', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a'))
      const orphan = settling('k/lost', { kind: 'settled', costNano: 2, atMs: START_MS - 1 })
      expect(await store.settle(orphan)).toMatchObject({ outcome: 'orphan', overrunNano: 1 })
      expect(await store.settle(orphan)).toMatchObject({ outcome: 'unchanged' })
      expect(await money(store)).toEqual({ spent: 2, held: 2 })
    })

    test('an orphan older than the records that are kept is not booked here', async () => {
      const { store, clock } = await slot()
      clock.nowMs += 72 * HOUR_MS + 1
      const old = settling('j/old', { kind: 'settled', costNano: 2 })
      expect(await store.settle(old)).toEqual({ outcome: 'too-old' })
      expect(await store.outbox.read('0', 10)).toEqual([])
    })

    test('window-rolls-between-plan-and-admit', async () => {
      const { store, clock } = await slot()
      const plan = asking('j/a')
      clock.nowMs = HOUR_START_MS + HOUR_MS
      expect(await store.admit(plan)).toEqual({ outcome: 'stale', nowMs: clock.nowMs, policy: 1 })
      expect(await money(store)).toBeNull()
      expect((await store.admit(asking('j/a', { hour: 1 }))).outcome).toBe('held')
    })

    test('slow-clock-plans-old-window', async () => {
      const { store } = await slot()
      expect((await store.admit(asking('j/a', { hour: 1 }))).outcome).toBe('stale')
    })

    test('settle-after-window-key-gone', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a'))
      await store.forgetWindow(HOUR)
      await store.settle(settling('j/a', { kind: 'settled', costNano: 1 }))
      // Posting only: a counter that came back with this cost alone would be a lie.
      expect(await money(store)).toBeNull()
      expect(await postings(store)).toEqual([{ kind: 'settled', deltaNano: 1, rev: 1 }])
    })

    test('window-key-kept-while-held', async () => {
      const { store, clock } = await slot()
      await store.admit(asking('j/a'))
      clock.nowMs += 71 * HOUR_MS
      await store.expire(10)
      expect(await money(store)).toEqual({ spent: 2, held: 0 })
      await store.settle(settling('j/a', { kind: 'settled', costNano: 1 }))
      expect(await money(store)).toEqual({ spent: 1, held: 0 })
    })

    test('policy-older-than-slot-is-stale', async () => {
      const { store } = await slot()
      await store.admit(asking('j/new', { policy: 2, limitNano: 4 }))
      const old = await store.admit(asking('j/old', { policy: 1, limitNano: 100 }))
      expect(old).toEqual({ outcome: 'stale', nowMs: START_MS, policy: 2 })
    })

    test('limit-lowered-below-spent', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a', { limitNano: 10 }))
      const lowered = await store.admit(asking('k/a', { policy: 2, limitNano: 1 }))
      expect(lowered).toMatchObject({ outcome: 'over-budget', leftNano: [-1] })
      // The refusal itself carried the new limit: nobody with the old policy is admitted after it.
      expect((await store.admit(asking('l/a', { limitNano: 10 }))).outcome).toBe('stale')
      await store.settle(settling('j/a', { kind: 'settled', costNano: 2 }))
      expect(await money(store)).toEqual({ spent: 2, held: 0 })
    })

    test('a clock that goes back loses nothing of a sliding window', async () => {
      const { store, clock } = await slot()
      const limits = [
        { kind: 'sliding-window', key: 'per-minute', limit: 100, perMs: 60_000 },
      ] as const
      const takeAt = async (job: string, atMs: number) => {
        clock.nowMs = START_MS + atMs
        return store.intake({ job, limits, cacheKey: null, meta, body: null })
      }
      await takeAt('k1', 10_000)
      await takeAt('k2', 10_000)
      await takeAt('k3', 9_000)
      await takeAt('k4', 11_000)
      clock.nowMs = START_MS + 11_000
      expect(await store.peekLimits(limits)).toMatchObject([{ remaining: 96 }])
      await takeAt('k5', 69_500)
      clock.nowMs = START_MS + 73_000
      expect(await store.peekLimits(limits)).toMatchObject([{ remaining: 99 }])
    })

    test('takes-used-up', async () => {
      const { store } = await slot()
      const few = { limitNano: 100, maxTakes: 2 }
      await store.admit(asking('j/a', few))
      await store.admit(asking('j/b', few))
      expect(await store.admit(asking('j/c', few))).toEqual({ outcome: 'takes-exhausted', n: 2 })
    })

    test('a jump over several marks raises the highest alone, once', async () => {
      const { store } = await slot()
      const wide = { amountNano: 90, limitNano: 100 }
      await store.admit(asking('j/a', wide))
      await store.settle(settling('j/a', { kind: 'settled', costNano: 81, holdNano: 90 }))
      await store.admit(asking('k/a', { ...wide, amountNano: 1 }))
      await store.settle(settling('k/a', { kind: 'settled', costNano: 1, holdNano: 1 }))
      const raised = (await store.outbox.read('0', 10)).filter(({ type }) => type === 'threshold')
      expect(raised).toMatchObject([{ window: HOUR, percent: 80, spentNano: 81, limitNano: 100 }])
    })

    test('acknowledging keeps what the same step wrote after it', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a', { limitNano: 4 }))
      await store.settle(settling('j/a', { kind: 'settled', costNano: 2 }))
      const [posting, threshold] = await store.outbox.read('0', 10)
      if (!posting || !threshold) throw new Error('a posting and a threshold were expected')
      await store.outbox.acknowledge(1, posting.id)
      expect(await store.outbox.read('0', 10)).toEqual([threshold])
    })

    test('a window is forgotten 144 h after its end, when nothing holds it any more', async () => {
      const { store, clock } = await slot()
      await store.admit(asking('j1/a'))
      await store.settle(settling('j1/a', { kind: 'settled', costNano: 1 }))
      await store.admit(asking('j2/a'))
      clock.nowMs = HOUR_START_MS + HOUR_MS + 144 * HOUR_MS
      await store.renew({ attempts: ['j2/a'], ttlMs: TTL_MS })
      await store.expire(10)
      expect(await money(store)).toEqual({ spent: 1, held: 2 })
      await store.release({ attempt: 'j2/a', job: 'j2' })
      clock.nowMs += 60_000
      await store.expire(10)
      expect(await money(store)).toBeNull()
      await store.close()
    })

    test('acknowledging trims what the ledger has, and never goes back', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a', { limitNano: 9 }))
      await store.admit(asking('k/a', { limitNano: 9 }))
      await store.settle(settling('j/a', { kind: 'settled' }))
      await store.settle(settling('k/a', { kind: 'settled' }))
      const [first, second] = await store.outbox.read('0', 10)
      if (!first || !second) throw new Error('two postings were expected')
      expect(await store.outbox.acknowledge(2, first.id)).toBe('epoch-changed')
      expect(await store.outbox.acknowledge(1, first.id)).toBe('acknowledged')
      expect(await store.outbox.read('0', 10)).toEqual([second])
      await store.outbox.acknowledge(1, second.id)
      await store.outbox.acknowledge(1, first.id)
      expect(await store.outbox.slot()).toMatchObject({ epoch: 1, acked: second.id })
    })
  })
}
