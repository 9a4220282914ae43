import { describe, expect, test } from 'vitest'
import type { BookLeaseCommand, LeaseCommand } from '../../src/admission/lease-commands.ts'
import type { PostingEntry } from '../../src/admission/outbox.ts'
import { answered, asking, START_MS, settling, TTL_MS } from './interleavings.ts'
import type { SlotUnderTest, TestClock } from './stores.ts'

const HOUR = 'company:2026-11-21T14'
const LEASE = 'lease/1'

/** An allowance of 4 of a limit of 6. */
function leasing(wish: Partial<LeaseCommand> = {}): LeaseCommand {
  const { windows, policy } = asking('j/a', { limitNano: 6 })
  return {
    lease: LEASE,
    process: 'gateway-1',
    policy,
    windows,
    amountNano: 4,
    ttlMs: TTL_MS,
    ...wish,
  }
}

function booking(attempt: string, wish: Partial<BookLeaseCommand> = {}): BookLeaseCommand {
  const { job, atMs, windows, meta, detail } = settling(attempt, { kind: 'settled' })
  const call = { job, atMs, windows, meta, detail, conclusion: null }
  return { ...call, lease: LEASE, attempt, kind: 'settled', costNano: 1, holdNano: 2, ...wish }
}

/** The interleavings of an allowance that one slot can show by itself. */
export function leases(name: string, makeSlot: (clock: TestClock) => Promise<SlotUnderTest>): void {
  describe(`leases on ${name}`, () => {
    const slot = async () => {
      const clock: TestClock = { nowMs: START_MS }
      const store = await makeSlot(clock)
      const money = async () => {
        const [window] = await store.peek([HOUR])
        return [window?.spentNano, window?.heldNano]
      }
      const postings = async () =>
        (await store.outbox.read('0', 100)).filter(
          (entry): entry is PostingEntry => entry.type === 'posting',
        )
      return { clock, store, money, postings }
    }

    test('an allowance is a hold: it is taken once, and others get what is left', async () => {
      const { store, money, postings } = await slot()
      const held = { outcome: 'held', amountNano: 4, atMs: START_MS }
      expect(await store.lease(leasing())).toEqual(held)
      expect(await store.lease(leasing())).toEqual(held)
      expect(await money()).toEqual([0, 4])
      expect(await store.lease(leasing({ lease: 'lease/2' }))).toEqual({
        ...{ outcome: 'over-budget', window: 0, leftNano: [2] },
      })
      expect((await store.admit(asking('j/a', { limitNano: 6 }))).outcome).toBe('held')
      expect((await store.admit(asking('k/a', { limitNano: 6 }))).outcome).toBe('over-budget')
      expect(await postings()).toMatchObject([
        { kind: 'lease', attempt: LEASE, job: 'gateway-1', holdNano: 4, deltaNano: 0, rev: 1 },
      ])
    })

    test('lease-unused-closed', async () => {
      const { store, money } = await slot()
      await store.lease(leasing())
      const close = { lease: LEASE, attempts: [] }
      expect(await store.closeLease(close)).toEqual({ outcome: 'closed', releasedNano: 4 })
      expect(await store.closeLease(close)).toEqual({ outcome: 'closed', releasedNano: 0 })
      expect(await money()).toEqual([0, 0])
      expect(await store.lease(leasing())).toEqual({ outcome: 'void' })
    })

    test('a lease that arrives after it was closed is void', async () => {
      const { store } = await slot()
      await store.closeLease({ lease: LEASE, attempts: [] })
      expect(await store.lease(leasing())).toEqual({ outcome: 'void' })
    })

    test('lease-dies-unreplayed, lease-disk-gone', async () => {
      const { store, clock, money, postings } = await slot()
      await store.lease(leasing())
      clock.nowMs += TTL_MS
      await store.expire(10)
      expect(await money()).toEqual([4, 0])
      expect((await postings()).at(-1)).toMatchObject({ kind: 'unconfirmed', deltaNano: 4 })
      // Nobody has the journal: reconciliation says what the provider billed.
      await store.settle(settling(LEASE, { kind: 'settled', costNano: 3 }))
      expect(await money()).toEqual([3, 0])
    })

    test('lease-replayed-twice', async () => {
      const { store, money, postings } = await slot()
      await store.lease(leasing())
      const call = booking('j/x', { conclusion: answered('{}') })
      expect(await store.bookLease(call)).toEqual({
        ...{ outcome: 'booked', bookedNano: 1, overrunNano: 0, concluded: true },
      })
      expect(await money()).toEqual([1, 3])
      expect(await store.bookLease(call)).toEqual({
        ...{ outcome: 'unchanged', bookedNano: 1, overrunNano: 0, concluded: false },
      })
      expect(await money()).toEqual([1, 3])
      expect((await postings()).map(({ kind, outcome }) => [kind, outcome])).toEqual([
        ['lease', null],
        ['settled', 'answered'],
      ])
      expect(await store.result('j')).toContain('{}')
    })

    test('an unknown outcome books the cap, and its late cost only the difference', async () => {
      const { store, money } = await slot()
      await store.lease(leasing())
      await store.bookLease(booking('j/x', { kind: 'unconfirmed' }))
      expect(await money()).toEqual([2, 2])
      expect((await store.bookLease(booking('j/x'))).outcome).toBe('adjusted')
      expect(await money()).toEqual([1, 3])
      await store.closeLease({ lease: LEASE, attempts: ['j/x'] })
      expect(await money()).toEqual([1, 0])
    })

    test('lease-expires-then-replayed', async () => {
      const { store, clock, money, postings } = await slot()
      await store.lease(leasing())
      clock.nowMs += TTL_MS
      await store.expire(10)
      expect((await store.bookLease(booking('j/x'))).outcome).toBe('booked')
      // What was booked as unconfirmed has become the call's own.
      expect(await money()).toEqual([4, 0])
      const close = { lease: LEASE, attempts: ['j/x'] }
      expect(await store.closeLease(close)).toEqual({ outcome: 'closed', releasedNano: 3 })
      expect(await money()).toEqual([1, 0])
      const sum = (await postings()).reduce((all, { deltaNano }) => all + deltaNano, 0)
      expect(sum).toBe(1)
    })

    test('lease-close-before-replay-refused', async () => {
      const { store, money } = await slot()
      await store.lease(leasing())
      await store.bookLease(booking('j/x'))
      const close = { lease: LEASE, attempts: ['j/x', 'k/x'] }
      expect(await store.closeLease(close)).toEqual({ outcome: 'unreplayed', missing: 1 })
      expect(await money()).toEqual([1, 3])
      await store.bookLease(booking('k/x'))
      expect(await store.closeLease(close)).toEqual({ outcome: 'closed', releasedNano: 2 })
    })

    test('what is booked after the close is an orphan, marked as far as it passes the limit', async () => {
      const { store, money } = await slot()
      await store.lease(leasing())
      await store.closeLease({ lease: LEASE, attempts: [] })
      await store.admit(asking('j/a', { limitNano: 6, amountNano: 6 }))
      expect(await store.bookLease(booking('k/x', { costNano: 2 }))).toMatchObject({
        ...{ outcome: 'orphan', bookedNano: 2, overrunNano: 2 },
      })
      expect(await money()).toEqual([2, 6])
    })

    test('a bill above its cap is an overrun, and takes what the allowance has', async () => {
      const { store, money } = await slot()
      await store.lease(leasing())
      const call = booking('j/x', { costNano: 3 })
      expect(await store.bookLease(call)).toMatchObject({ outcome: 'booked', overrunNano: 1 })
      expect(await money()).toEqual([3, 1])
    })
  })
}
