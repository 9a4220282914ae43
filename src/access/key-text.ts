import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

/**
 * `sk-bursar-<id>_<secret><checksum>`: twelve characters that name the key and stand in lists, 32 random bytes in
 * base62, and a CRC-32 of all before it, so that a typo is told from a wrong key and scanners find leaked keys
 * without asking anybody.
 * @see https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/ read 2026-11-21
 */
const KEY_TEXT = /^sk-bursar-([0-9a-hjkmnp-tv-z]{12})_[0-9A-Za-z]{43}([0-9A-Za-z]{6})$/
const PREFIX = 'sk-bursar-'

const ID_ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const ID_CHARS = 12
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const SECRET_BYTES = 32
const SECRET_CHARS = 43
const CHECKSUM_CHARS = 6

/** What a text that was given as a key turns out to be. `mistyped` = one of ours, cut or changed on the way. */
export type KeyText =
  | { readonly is: 'key'; readonly id: string; readonly hash: string }
  | { readonly is: 'mistyped' | 'other' }

/** Draws the public name of a new key. */
export const newKeyId = (): string =>
  Array.from(randomBytes(ID_CHARS), (byte) => ID_ALPHABET[byte & 31]).join('')

/** Draws a new secret for the key. @returns the whole text, which is shown once and kept nowhere. */
export function newKeyText(id: string): string {
  const secret = base62(BigInt(`0x${randomBytes(SECRET_BYTES).toString('hex')}`), SECRET_CHARS)
  const named = `${PREFIX}${id}_${secret}`
  return named + checksumOf(named)
}

/** Reads a text as a key; looks nothing up. */
export function readKeyText(text: string): KeyText {
  if (!text.startsWith(PREFIX)) return { is: 'other' }
  const [, id, checksum] = KEY_TEXT.exec(text) ?? []
  if (id === undefined || checksumOf(text.slice(0, -CHECKSUM_CHARS)) !== checksum) {
    return { is: 'mistyped' }
  }
  return { is: 'key', id, hash: hashKey(text) }
}

/**
 * What is stored instead of a key: SHA-256, hex. Slow, salted hashes protect what people think up; nobody guesses
 * 256 random bits, and a gateway computes this for each request.
 */
export const hashKey = (text: string): string => createHash('sha256').update(text).digest('hex')

const checksumOf = (text: string): string => base62(BigInt(crc32(text)), CHECKSUM_CHARS)

function base62(value: bigint, chars: number): string {
  let text = ''
  for (let rest = value; text.length < chars; rest /= 62n) text = BASE62[Number(rest % 62n)] + text
  return text
}
