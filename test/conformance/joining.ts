import { describe, expect, test } from 'vitest'
import { answered, asking, START_MS, settling, TTL_MS } from './interleavings.ts'
import { sealed } from './kept-answers.ts'
import type { SlotUnderTest, TestClock } from './stores.ts'

const wide = { limitNano: 10_000, cacheKey: 'same' }
const joinedTo = (attempt: string) => ({ outcome: 'joined', untilMs: START_MS + TTL_MS, attempt })
const joined = joinedTo('j/a')
const answer = settling('j/a', {
  kind: 'settled',
  costNano: 1,
  conclusion: answered('{}'),
  cache: { key: 'same', body: sealed('{"a":1}'), ttlMs: 3_600_000 },
  flight: 'same',
})

/** Identical requests that are asked for at the same time pay once, and nobody waits for what never comes. */
export function joining(
  name: string,
  makeSlot: (clock: TestClock) => Promise<SlotUnderTest>,
): void {
  describe(`joining on ${name}`, () => {
    const slot = async () => {
      const clock: TestClock = { nowMs: START_MS }
      return { clock, store: await makeSlot(clock) }
    }

    test('whoever asks the same while a call is under way holds nothing, and is told of its end', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a', wide))
      const [second, third] = await Promise.all([
        store.admit(asking('k/a', wide)),
        store.admit(asking('l/a', wide)),
      ])
      expect([second, third]).toEqual([joined, joined])
      const [window] = await store.peek(['company:2026-11-21T14'])
      expect(window?.heldNano).toBe(2)
      expect(await store.settle(answer)).toMatchObject({ followers: ['k', 'l'] })
      expect(await store.admit(asking('k/b', wide))).toEqual({
        outcome: 'cached',
        body: sealed('{"a":1}'),
        freshForMs: 3_600_000,
        refresh: false,
        costNano: 0,
        paidBy: 'j/a',
        joined: 'j/a',
      })
    })

    test('asked for in one burst, one holds and the others join it', async () => {
      const { store } = await slot()
      const jobs = Array.from({ length: 40 }, (_, i) => `b${i}/a`)
      const replies = await Promise.all(jobs.map((attempt) => store.admit(asking(attempt, wide))))
      expect(replies.map(({ outcome }) => outcome)).toEqual([
        'held',
        ...Array.from({ length: 39 }, () => 'joined'),
      ])
    })

    test('who never joined is told of no payer', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a', wide))
      await store.settle(answer)
      expect(await store.admit(asking('k/a', wide))).toMatchObject({
        outcome: 'cached',
        joined: '',
      })
    })

    test('joining twice is told once, and a replayed settlement tells nobody', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a', wide))
      expect(await store.admit(asking('k/a', wide))).toEqual(joined)
      expect(await store.admit(asking('k/b', wide))).toEqual(joined)
      expect(await store.settle(answer)).toMatchObject({ followers: ['k'] })
      expect(await store.settle(answer)).toMatchObject({ outcome: 'unchanged', followers: [] })
    })

    test('a call that failed wakes all, the first to come takes over and the rest joins it', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a', wide))
      await store.admit(asking('k/a', wide))
      await store.admit(asking('l/a', wide))
      const failed = settling('j/a', { kind: 'unconfirmed', flight: 'same' })
      expect(await store.settle(failed)).toMatchObject({ followers: ['k', 'l'] })
      expect(await store.admit(asking('l/b', wide))).toMatchObject({ outcome: 'held' })
      expect(await store.admit(asking('k/b', wide))).toEqual(joinedTo('l/b'))
      // The one that failed joins, too, when it comes back.
      expect(await store.admit(asking('j/b', wide))).toEqual(joinedTo('l/b'))
    })

    test('a hold that is given back wakes those who waited for its call', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a', wide))
      await store.admit(asking('k/a', wide))
      const release = { attempt: 'j/a', job: 'j', flight: 'same' }
      expect(await store.release(release)).toEqual({ outcome: 'released', followers: ['k'] })
      expect(await store.admit(asking('k/b', wide))).toMatchObject({ outcome: 'held' })
    })

    test('a dead worker is waited for until its hold ends, and then no more', async () => {
      const { store, clock } = await slot()
      await store.admit(asking('j/a', wide))
      clock.nowMs += TTL_MS - 1
      expect(await store.admit(asking('k/a', wide))).toEqual(joined)
      clock.nowMs += 1
      expect(await store.admit(asking('k/b', wide))).toMatchObject({ outcome: 'held' })
    })

    test('another take of the same job does not wait for itself', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a', wide))
      expect(await store.admit(asking('j/b', wide))).toMatchObject({ outcome: 'held' })
    })

    test('another take of the same job tells those who waited for the one before', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a', wide))
      await store.admit(asking('k/a', wide))
      expect(await store.admit(asking('j/b', wide))).toMatchObject({ outcome: 'held' })
      expect(await store.admit(asking('l/a', wide))).toEqual(joinedTo('j/b'))
      expect(await store.settle(answer)).toMatchObject({ followers: [] })
      expect(await store.settle({ ...answer, attempt: 'j/b' })).toMatchObject({
        followers: ['k', 'l'],
      })
    })

    test('three calls are waited for, the fourth is made', async () => {
      const { store } = await slot()
      for (const leader of ['p', 'q', 'r']) {
        await store.admit(asking(`${leader}/a`, wide))
        expect(await store.admit(asking('k/a', wide))).toEqual(joinedTo(`${leader}/a`))
        await store.settle(settling(`${leader}/a`, { kind: 'settled', flight: 'same' }))
      }
      await store.admit(asking('s/a', wide))
      expect(await store.admit(asking('k/b', wide))).toMatchObject({ outcome: 'held' })
    })

    test('one call is waited for by 10,000, the next one calls and is joined in turn', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a', wide))
      const all = Array.from({ length: 10_000 }, (_, i) => `w${i}`)
      const replies = await Promise.all(all.map((job) => store.admit(asking(`${job}/a`, wide))))
      expect(new Set(replies.map(({ outcome }) => outcome))).toEqual(new Set(['joined']))
      expect(await store.admit(asking('k/a', wide))).toMatchObject({ outcome: 'held' })
      expect(await store.admit(asking('l/a', wide))).toEqual(joinedTo('k/a'))
      // The flight is another one's now: those who waited for the first come back by themselves.
      expect(await store.settle(answer)).toMatchObject({ followers: [] })
      expect(await store.settle({ ...answer, attempt: 'k/a', job: 'k' })).toMatchObject({
        followers: ['l'],
      })
    })

    test('all 10,000 are told of the end of the call that they waited for', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a', wide))
      const all = Array.from({ length: 10_000 }, (_, i) => `w${i}`)
      await Promise.all(all.map((job) => store.admit(asking(`${job}/a`, wide))))
      expect(await store.settle(answer)).toMatchObject({ followers: all })
    })

    test('a request that reads no cache joins nobody, and nobody joins it', async () => {
      const { store } = await slot()
      const alone = { limitNano: 10_000 }
      await store.admit(asking('j/a', alone))
      expect(await store.admit(asking('k/a', alone))).toMatchObject({ outcome: 'held' })
      await store.admit(asking('l/a', wide))
      expect(await store.admit(asking('m/a', alone))).toMatchObject({ outcome: 'held' })
      expect(await store.admit(asking('n/a', { ...wide, cacheKey: 'other' }))).toMatchObject({
        outcome: 'held',
      })
    })

    test('who keeps nothing waits for no other call, and nobody waits for its own', async () => {
      const { store } = await slot()
      const alone = (attempt: string) => ({ ...asking(attempt, wide), joins: false })
      expect(await store.admit(alone('j/a'))).toMatchObject({ outcome: 'held' })
      expect(await store.admit(asking('k/a', wide))).toMatchObject({ outcome: 'held' })
      expect(await store.admit(alone('l/a'))).toMatchObject({ outcome: 'held' })
      // What was begun beside it is still waited for.
      expect(await store.admit(asking('m/a', wide))).toMatchObject({ outcome: 'joined' })
    })

    test('who is cancelled while it waits is told so, not served', async () => {
      const { store } = await slot()
      await store.admit(asking('j/a', wide))
      await store.admit(asking('k/a', wide))
      await store.cancel('k')
      await store.settle(answer)
      expect(await store.admit(asking('k/b', wide))).toEqual({ outcome: 'cancelled' })
    })
  })
}
