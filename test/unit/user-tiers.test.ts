import fc from 'fast-check'
import { expect, it } from 'vitest'
import { memoryTiers, publishTiers, type TierChange } from '../../src/queue/tier-shelf.ts'
import { userKey } from '../../src/queue/user-key.ts'
import { createUserTiers } from '../../src/queue/user-tiers.ts'

const change = (
  version: number,
  user: string,
  tier: string | null,
  untilMs: number | null = null,
) => ({ version, tenant: 'acme', user, tier, untilMs }) satisfies TierChange

it('knows the newest tier of each user, whatever was read before and however often it is published', async () => {
  const law = fc.asyncProperty(
    fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('x', 'y', null)), {
      maxLength: 30,
    }),
    fc.array(fc.nat(30), { maxLength: 6 }),
    async (said, looks) => {
      const all = said.map(([user, tier], at) => change(at + 1, user, tier))
      const shelf = memoryTiers()
      const tiers = createUserTiers(shelf, () => 0)
      for (const end of [...looks, all.length]) {
        await publishTiers(shelf, async (after) => all.slice(after, Math.max(end, after)))
        await tiers.refresh()
      }
      // Late and twice changes nothing.
      await shelf.publish(all.slice(0, 3))
      const wanted = new Map<string, string>()
      for (const { user, tier } of all) {
        if (tier === null) wanted.delete(userKey('acme', user))
        else wanted.set(userKey('acme', user), tier)
      }
      expect(await tiers.refresh()).toEqual(wanted)
    },
  )
  await fc.assert(law, { numRuns: 100 })
})

it('drops a tier at its end, and answers the same map while nothing changes', async () => {
  let nowMs = 0
  const shelf = memoryTiers()
  const tiers = createUserTiers(shelf, () => nowMs)
  await shelf.publish([change(1, 'a', 'x', 1_000), change(2, 'b', 'y')])
  const first = await tiers.refresh()
  expect(first.get(userKey('acme', 'a'))).toBe('x')
  expect(await tiers.refresh()).toBe(first)
  nowMs = 1_000
  expect(await tiers.refresh()).toEqual(new Map([[userKey('acme', 'b'), 'y']]))
})

it('goes on with what it knows while the shelf is away', async () => {
  const shelf = memoryTiers()
  await shelf.publish([change(1, 'a', 'x')])
  let nowMs = 0
  const away = { ...shelf, read: () => Promise.reject(new Error('away')) }
  const place = { ...shelf, read: shelf.read }
  const tiers = createUserTiers(place, () => nowMs)
  await tiers.refresh()
  place.read = away.read
  nowMs = 60_000
  expect(tiers.current().get(userKey('acme', 'a'))).toBe('x')
  await expect(tiers.refresh()).rejects.toThrow('away')
})
