import { expect, test } from 'vitest'
import { impersonal } from '../../src/cache/impersonal.ts'

const answer = { id: 'r1', object: 'response', output: [{ text: 'hi' }], status: 'completed' }
const cleared = (more: object) => JSON.parse(impersonal({ ...answer, ...more }, 'as it came'))

test('who asked first is nobody else’s business', () => {
  const told = { user: 'ann', safety_identifier: 's', prompt_cache_key: 'k' }
  expect(cleared({ ...told, metadata: { email: 'ann@example.org' } })).toEqual({
    ...answer,
    ...{ user: null, safety_identifier: null, prompt_cache_key: null, metadata: {} },
  })
})

test('an answer that repeats nothing of it stays as it came, to the byte', () => {
  for (const more of [{}, { user: null, metadata: {} }, { metadata: null }]) {
    expect(impersonal({ ...answer, ...more }, 'as it came')).toBe('as it came')
  }
})
