import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashKey, newKeyId, newKeyText, readKeyText } from '../../src/access/key-text.ts'

const draw = () => {
  const id = newKeyId()
  return { id, text: newKeyText(id) }
}
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_- \n\u00e9'

describe('the text of a key', () => {
  test('is what secret scanners are given as its pattern, and no two are alike', () => {
    const texts = Array.from({ length: 500 }, () => draw().text)
    for (const text of texts) expect(text).toMatch(/^sk-bursar-[0-9a-z]{12}_[0-9A-Za-z]{49}$/)
    expect(new Set(texts).size).toBe(texts.length)
  })

  test('holds 256 random bits: each place of the secret takes every character', () => {
    const secrets = Array.from({ length: 3_000 }, () => draw().text.slice(23, 66))
    // The first of 43 base62 digits of a 256-bit number goes up to 60 of 62.
    for (let at = 0; at < 43; at++) {
      expect(new Set(secrets.map((secret) => secret[at])).size).toBeGreaterThanOrEqual(60)
    }
  })

  test('reads back as its id and its hash', () => {
    const { id, text } = draw()
    expect(readKeyText(text)).toEqual({ is: 'key', id, hash: hashKey(text) })
    expect(hashKey(text)).toMatch(/^[0-9a-f]{64}$/)
  })

  test('with any one character changed, added or left out is a typo, and nothing is looked up for it', () => {
    const { text } = draw()
    const law = fc.property(
      fc.integer({ min: 10, max: text.length - 1 }),
      fc.constantFrom(...ALPHABET),
      fc.constantFrom('change', 'add', 'drop'),
      (at, character, how) => {
        fc.pre(how !== 'change' || text[at] !== character)
        const rest = how === 'add' ? text.slice(at) : text.slice(at + 1)
        const typo = text.slice(0, at) + (how === 'drop' ? '' : character) + rest
        expect(readKeyText(typo)).toEqual({ is: 'mistyped' })
      },
    )
    fc.assert(law, { numRuns: 3_000 })
  })

  test('two neighbours that changed places are a typo', () => {
    const { text } = draw()
    for (let at = 10; at + 1 < text.length; at++) {
      const [one = '', other = ''] = text.slice(at, at + 2)
      if (one === other) continue
      const typo = text.slice(0, at) + other + one + text.slice(at + 2)
      expect(readKeyText(typo)).toEqual({ is: 'mistyped' })
    }
  })

  test('any other text is none of ours, and never an error', () => {
    const law = fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
      expect(readKeyText(text)).toEqual({ is: 'other' })
      expect(readKeyText(`sk-bursar-${text}`)).toEqual({ is: 'mistyped' })
    })
    fc.assert(law, { numRuns: 2_000 })
    for (const text of ['sk-proj-abc', 'SK-BURSAR-x', ' sk-bursar-x', `sk-${'x'.repeat(1e6)}`]) {
      expect(readKeyText(text).is).toBe('other')
    }
    expect(readKeyText(`sk-bursar-${'x'.repeat(1e6)}`).is).toBe('mistyped')
  })
})
