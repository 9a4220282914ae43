import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CodecSettings, createCodec } from '../../src/cache/codec/codec.ts'
import { readCacheKeys } from '../../src/cache/codec/keys.ts'

const secret = () => randomBytes(32).toString('base64')
const [one, two] = [secret(), secret()]
const codec = createCodec(readCacheKeys(`k1:${one}`))
const rotated = createCodec(readCacheKeys(`k2:${two},k1:${one}`))
const plain = createCodec(null)

const WAYS: readonly CodecSettings[] = [
  { compressOverBytes: null, encrypt: false },
  { compressOverBytes: 10, encrypt: false },
  { compressOverBytes: null, encrypt: true },
  { compressOverBytes: 10, encrypt: true },
]
const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 400 }), fc.lorem({ maxCount: 80 }))
const anyWay = fc.constantFrom(...WAYS)

describe('cached values', () => {
  test('come back as they were, however they are kept', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, anyWay, async (text, way) => {
        const kept = await codec.encode(text, 'here', way)
        expect(await codec.decode(kept, 'here')).toEqual({ ok: true, text: text.toWellFormed() })
      }),
    )
  })

  test('that were cut short, or changed in any place, are no answers', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, anyWay, fc.nat(), fc.nat(), async (text, way, at, by) => {
        const kept = await codec.encode(text, 'here', way)
        const place = at % kept.length
        const other = String.fromCharCode(((kept.charCodeAt(place) ^ (1 + (by % 90))) % 0x80) + 1)
        fc.pre(other !== kept[place])
        const changed = kept.slice(0, place) + other + kept.slice(place + 1)
        for (const wrong of [changed, kept.slice(0, place)]) {
          const read = await codec.decode(wrong, 'here')
          // A name of the key that nobody knows is told apart; everything else is damage. Never another text.
          if (read.ok) expect(read.text).toBe(text.toWellFormed())
        }
      }),
    )
  })

  test('that are encrypted say nothing of what is in them, and open at their own place alone', async () => {
    const kept = await codec.encode('the patient is well', 'there', {
      compressOverBytes: null,
      encrypt: true,
    })
    expect(kept).not.toContain('patient')
    expect(Buffer.from(kept.split('\n')[1] ?? '', 'base64').toString('latin1')).not.toContain(
      'patient',
    )
    expect(await codec.decode(kept, 'elsewhere')).toEqual({ ok: false, why: 'wrong-key' })
  })

  test('of a key that was rotated are read as long as it is known, and new ones use the new key', async () => {
    const way = { compressOverBytes: null, encrypt: true }
    const old = await codec.encode('text', 'here', way)
    expect(await rotated.decode(old, 'here')).toEqual({ ok: true, text: 'text' })
    const fresh = await rotated.encode('text', 'here', way)
    expect(fresh).toMatch(/^1e\.k2-[0-9a-f]{8}\./)
    expect(await codec.decode(fresh, 'here')).toEqual({ ok: false, why: 'unknown-key' })
    expect(await plain.decode(fresh, 'here')).toEqual({ ok: false, why: 'unknown-key' })
    const impostor = createCodec(readCacheKeys(`k1:${two}`))
    expect(await impostor.decode(old, 'here')).toEqual({ ok: false, why: 'unknown-key' })
  })

  test('of a later version are told apart from damage', async () => {
    expect(await codec.decode('2b.k1.abc\nx', 'here')).toEqual({
      ok: false,
      why: 'unknown-version',
    })
    expect(await codec.decode('{"v":1}', 'here')).toEqual({ ok: false, why: 'damaged' })
  })

  test('above the size are compressed, below it they are kept as they are', async () => {
    const way = { compressOverBytes: 2_048, encrypt: false }
    const small = 'x'.repeat(2_048)
    expect(await codec.encode(small, 'here', way)).toContain(small)
    expect((await codec.encode(`${small}x`, 'here', way)).length).toBeLessThan(200)
  })

  test('are not kept open when there is no key to close them with', async () => {
    await expect(
      plain.encode('text', 'here', { compressOverBytes: null, encrypt: true }),
    ).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
    })
  })
})

describe('BURSAR_CACHE_KEYS', () => {
  test('is none, or names with secrets', () => {
    expect(readCacheKeys(undefined)).toBeNull()
    expect(readCacheKeys(' ')).toBeNull()
    expect(readCacheKeys(`a:${one}, b:${two}`)?.current.id).toMatch(/^a-[0-9a-f]{8}$/)
  })

  test.each(['k1', 'k1:short', `k 1:${one}`, `k1:${one},k1:${two}`, `${one}`, `k1:${one},`])(
    'refuses %j without showing a secret',
    (text) => {
      const refusal = () => readCacheKeys(text)
      expect(refusal).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }))
      try {
        refusal()
      } catch (error) {
        expect(String(error)).not.toContain(one)
      }
    },
  )
})
