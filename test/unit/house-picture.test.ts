import { describe, expect, test } from 'vitest'
import { COLUMNS, ENDS } from '../../src/cli/demo/show.ts'
import { houseHas, readHouse } from './house-cli-words.ts'

/** Pictures that the README shows, by path. */
const pictures = [...readHouse('README.md').matchAll(/^!\[[^\]]+\]\(([^)]+)\)$/gm)].map(
  ([, path = '']) => path,
)

test('every picture of the README is there, says what it shows, and is light', () => {
  expect(pictures).toEqual(['docs/images/demo.svg'])
  for (const path of pictures) expect(houseHas(path), path).toBe(true)
  for (const path of pictures) expect(readHouse(path).length, path).toBeLessThan(150_000)
})

describe('the picture of the demo', () => {
  const words = [...readHouse('docs/images/demo.svg').matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(
    ([, text = '']) => text.trim(),
  )

  test.each(Object.entries(COLUMNS))('shows the columns of each %s as they are', (group, names) => {
    const at = words.indexOf(group)
    expect(words.slice(at, at + 1 + names.length)).toEqual([group, ...names])
  })

  test('shows every end that a request can have, and that the books agree', () => {
    const ends = words.flatMap((text) => /^\d+ (\D+)$/.exec(text)?.[1] ?? [])
    expect(ends).toEqual(expect.arrayContaining(ENDS.map(({ word }) => word)))
    expect(words.join('\n')).toContain('bill agree')
  })
})
