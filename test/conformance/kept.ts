import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { IntakeCommand } from '../../src/admission/commands.ts'
import { attemptMeta } from '../helpers/attempt-meta.ts'
import { answered, asking, START_MS, settling } from './interleavings.ts'
import { HAD, KEY_IDS, sealed } from './kept-answers.ts'
import type { SlotUnderTest, TestClock } from './stores.ts'

const KEEP = { key: 'same', body: sealed('{"a":1}'), ttlMs: 1_000 }
const meta = attemptMeta({ enqueuedAtMs: START_MS })
const wide = { limitNano: 10_000, cacheKey: 'same' }
/** More than any budget of these tests has. */
const broke = { ...wide, amountNano: 10_001 }

let asked = 0
const look = (more: Partial<IntakeCommand> = {}): IntakeCommand => ({
  ...{ job: `q${asked++}`, limits: [], cacheKey: 'same', meta, body: null },
  ...more,
})

/** What is kept answers as long as it may, whom it may, and is nothing once it is damaged. */
export function keptAnswers(
  name: string,
  makeSlot: (clock: TestClock) => Promise<SlotUnderTest>,
): void {
  describe(`kept answers on ${name}`, () => {
    const slotWith = async (cache: object = {}) => {
      const clock: TestClock = { nowMs: START_MS }
      const store = await makeSlot(clock)
      await store.admit(asking('p/a', wide))
      const keep = { ...KEEP, costNano: 7, ...cache }
      const conclusion = answered('{}')
      await store.settle(
        settling('p/a', { kind: 'settled', costNano: 1, conclusion, cache: keep, flight: 'same' }),
      )
      return { clock, store }
    }
    const hit = { outcome: 'cached', body: KEEP.body, costNano: 7, paidBy: 'p/a', refresh: false }

    test('one is served for its time, with what it had cost and who paid', async () => {
      const { clock, store } = await slotWith()
      expect(await store.intake(look())).toMatchObject({ ...hit, freshForMs: 1_000 })
      clock.nowMs += 999
      expect(await store.admit(asking('j/a', wide))).toMatchObject({ ...hit, freshForMs: 1 })
      clock.nowMs += 1
      expect(await store.intake(look())).toMatchObject({ outcome: 'queued' })
      expect(await store.admit(asking('j/a', wide))).toMatchObject({ outcome: 'held' })
    })

    test('of those who are served a stale one, one in 30 s is told to have it made anew', async () => {
      const { clock, store } = await slotWith({ staleForMs: 60_000 })
      clock.nowMs += 1_500
      const first = await Promise.all([1, 2, 3].map(() => store.intake(look())))
      expect(first).toMatchObject([{ refresh: true }, { refresh: false }, { refresh: false }])
      expect(first[0]).toMatchObject({ outcome: 'cached', freshForMs: -500 })
      expect(await store.admit(asking('j/a', wide))).toMatchObject(hit)
      clock.nowMs += 30_000
      expect(await store.admit(asking('k/a', wide))).toMatchObject({ ...hit, refresh: true })
      expect(await store.intake(look())).toMatchObject(hit)
      clock.nowMs += 30_000
      expect(await store.intake(look())).toMatchObject({ outcome: 'queued' })
    })

    test('whoever makes it anew is served a fresh one alone', async () => {
      const { clock, store } = await slotWith({ staleForMs: 60_000 })
      const anew = { ...asking('j/a', wide), accepts: 'fresh' as const }
      expect(await store.admit({ ...anew, attempt: 'j/b' })).toMatchObject(hit)
      clock.nowMs += 1_500
      expect(await store.admit(anew)).toMatchObject({ outcome: 'held' })
      expect(await store.admit({ ...asking('k/a', wide), accepts: 'fresh' })).toMatchObject({
        outcome: 'joined',
      })
    })

    test('an old one is served to whom no budget is left, and to nobody else', async () => {
      const { clock, store } = await slotWith({ lastForMs: 60_000 })
      clock.nowMs += 60_999
      expect(await store.intake(look())).toMatchObject({ outcome: 'queued' })
      const poor = await store.admit(asking('j/a', broke))
      expect(poor).toMatchObject({ ...hit, freshForMs: -59_999, joined: '' })
      expect(await store.admit({ ...asking('j/b', broke), accepts: 'fresh' })).toMatchObject({
        outcome: 'over-budget',
      })
      expect(await store.admit(asking('k/a', wide))).toMatchObject({ outcome: 'held' })
      clock.nowMs += 1
      expect(await store.admit(asking('l/a', { ...broke, cacheKey: 'same' }))).not.toMatchObject({
        outcome: 'cached',
      })
    })

    test('no body travels to whoever has it, and a new one does', async () => {
      const { store } = await slotWith()
      const has = { openers: [], has: HAD }
      expect(await store.intake(look({ look: has }))).toMatchObject({ ...hit, body: null })
      expect(await store.intake(look({ look: { has: HAD.replace(/^./, 'x') } }))).toMatchObject(hit)
    })

    test('who has not the key of one finds nothing, whoever has it is served', async () => {
      const body = sealed('c2VjcmV0', KEY_IDS[1])
      const { store } = await slotWith({ body })
      expect(await store.intake(look())).toMatchObject({ outcome: 'queued' })
      expect(await store.intake(look({ look: { openers: [KEY_IDS[0]] } }))).toMatchObject({
        outcome: 'queued',
      })
      expect(await store.intake(look({ look: { openers: KEY_IDS } }))).toMatchObject({ body })
      const held = await store.admit(asking('j/a', wide))
      expect(held).toMatchObject({ outcome: 'held', unreadable: 'unknown-key' })
    })

    test.each([
      ['another version', `2${KEEP.body.slice(1)}`, 'unknown-version'],
      ['one cut short', KEEP.body.slice(0, -1), 'damaged'],
      ['one overwritten', KEEP.body.replace('1}', '2}'), 'damaged'],
      ['one that was never sealed', '{"a":1}', 'damaged'],
    ])('%s is a miss, and whoever pays for another hears why', async (_what, body, why) => {
      const { store } = await slotWith({ body })
      expect(await store.intake(look())).toMatchObject({ outcome: 'queued' })
      const held = await store.admit(asking('j/a', wide))
      expect(held).toMatchObject({ outcome: 'held', unreadable: why })
    })
  })
}

/** What can become of a text in a store that loses, cuts and overwrites. */
const damage = fc.record({
  at: fc.nat(),
  how: fc.constantFrom('cut', 'overwrite', 'drop', 'insert', 'old', 'elsewhere'),
  byte: fc.integer({ min: 1, max: 127 }),
})

export type Damage = typeof damage extends fc.Arbitrary<infer D> ? D : never

function spoil(text: string, { at, how, byte }: Damage): string {
  const place = at % text.length
  const [before, here, after] = [text.slice(0, place), text[place] ?? '', text.slice(place + 1)]
  const other = String.fromCharCode(byte)
  switch (how) {
    case 'cut':
      return before
    case 'overwrite':
      return before + (other === here ? '~' : other) + after
    case 'drop':
      return before + after
    case 'insert':
      return `${before}${other}${here}${after}`
    case 'old':
      return `${START_MS + 1_000}\n{"a":1}`
    case 'elsewhere':
      return text.replace(/ [0-9a-f]{40}\n/, ` ${'0'.repeat(40)}\n`)
  }
}

/**
 * However an entry is damaged, the store serves what was kept or nothing.
 * @param overwrite - puts a text where the entry of a key is.
 */
export function damagedAnswers(
  name: string,
  makeSlot: (clock: TestClock) => Promise<{
    store: SlotUnderTest
    change(key: string, by: (text: string) => string): Promise<void>
  }>,
): void {
  test(`damaged answers on ${name} are none, whatever became of them`, async () => {
    await fc.assert(
      fc.asyncProperty(damage, async (harm) => {
        const { store, change } = await makeSlot({ nowMs: START_MS })
        const cache = { ...KEEP, ttlMs: 500_000 }
        const conclusion = answered('{}')
        await store.settle(settling('p/a', { kind: 'settled', conclusion, cache }))
        await change('same', (text) => spoil(text, harm))
        expect(await store.intake(look())).toMatchObject({ outcome: 'queued' })
        expect(await store.admit(asking('j/a', wide))).toMatchObject({ outcome: 'held' })
      }),
      { numRuns: 150 },
    )
  })
}
