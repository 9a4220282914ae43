import { expect, test } from 'vitest'
import { createNearCache } from '../../src/cache/responses/near-cache.ts'

const entry = (json: string) => ({ json, model: 'm', provider: 'p', text: '' })

test('it is bounded in bytes, and forgets what nobody asked for longest', () => {
  const near = createNearCache(100_000)
  for (let i = 0; i < 1_000; i++)
    near.keep(`k${i}`, { entry: entry('x'.repeat(1_000)), sum: '' }, 60_000)
  const kept = Array.from({ length: 1_000 }, (_, i) => near.find(`k${i}`)).filter(Boolean)
  expect(kept.length).toBeGreaterThan(30)
  expect(kept.length).toBeLessThan(50)
  expect(near.find('k999')).not.toBeNull()
  near.keep('huge', { entry: entry('x'.repeat(60_000)), sum: '' }, 60_000)
  expect(near.find('huge')).toBeNull()
})

test('an answer is not kept past its own time', () => {
  const near = createNearCache(100_000)
  near.keep('over', { entry: entry('text'), sum: '' }, 0)
  near.keep('over', { entry: entry('text'), sum: '' }, -5)
  expect(near.find('over')).toBeNull()
})
