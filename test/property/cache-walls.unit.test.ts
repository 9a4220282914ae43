import { execFile } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compiled } from '../helpers/compiled.ts'
import { asked, askedTwice, keyOfWritten, wallsOf, written } from './cache-walls-written.ts'

const seed = fc.nat(2 ** 31 - 1)

// Law 9. Red when the hash forgets the wall, the rungs, the operation or any field of the body, and when `private`
// narrows nothing.
test('no two requests share an answer that differ in tenant, user when private, system prompt, tools, a parameter or an earlier turn', () => {
  const law = fc.property(askedTwice, seed, seed, ([one, other], how, otherwise) => {
    const same = keyOfWritten(written(one, how)) === keyOfWritten(written(other, otherwise))
    expect(same).toBe(wallsOf(one) === wallsOf(other))
  })
  fc.assert(law, { numRuns: 1_000 })
})

test('equal requests share, however they are written', () => {
  const law = fc.property(asked, seed, seed, (one, how, otherwise) => {
    expect(keyOfWritten(written(one, how))).toBe(keyOfWritten(written(one, otherwise)))
  })
  fc.assert(law, { numRuns: 300 })
})

test('and in another process, too', async () => {
  const cases = fc.sample(fc.tuple(asked, seed, seed), 200)
  const here = cases.map(([one, how]) => keyOfWritten(written(one, how)))
  const lines = cases.map(([one, , otherwise]) => JSON.stringify(written(one, otherwise)))
  const child = await compiled(new URL('./cache-walls-child.ts', import.meta.url))
  const there = await new Promise<string>((resolve, reject) => {
    const running = execFile(process.execPath, [child], (error, out) =>
      error ? reject(error) : resolve(out),
    )
    running.stdin?.end(lines.join('\n'))
  })
  expect(there.trim().split('\n')).toEqual(here)
})
