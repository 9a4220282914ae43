import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { brotliCompress, brotliDecompress, constants } from 'node:zlib'
import { BursarError } from '../../errors.ts'
import { CODEC_VERSION, checksum, isIntact, readHeader, type Unreadable } from './header.ts'
import type { CacheKeys } from './keys.ts'

export type { Unreadable } from './header.ts'

const IV_BYTES = 12
const TAG_BYTES = 16
/** An answer unpacks to some megabytes at most; what claims more is no answer. */
const MOST_BYTES = 64 * 1_024 * 1_024

export interface CodecSettings {
  /** Values above this many bytes are compressed; null = never. */
  readonly compressOverBytes: number | null
  readonly encrypt: boolean
}

export type Decoded =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly why: Unreadable }

/**
 * How a cached value is kept: a header, a line end, and the payload: the text itself, or base64 of what became of it by
 * brotli, AES-256-GCM, or both.
 */
export interface Codec {
  /**
   * @param place - where the value will be kept, e.g. its key: an encrypted one can be read from there alone.
   * @throws {BursarError} INVALID_OPTIONS when it is to be encrypted and there is no key.
   */
  encode(text: string, place: string, settings: CodecSettings): Promise<string>
  /** Never throws: whatever was kept, it is a text that was written for this place, or a reason. */
  decode(kept: string, place: string): Promise<Decoded>
}

const compress = promisify(brotliCompress)
const decompress = promisify(brotliDecompress)
// Most of the gain of the best quality at a tenth of its time.
const QUALITY = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }

export function createCodec(keys: CacheKeys | null): Codec {
  return {
    async encode(text, place, { compressOverBytes, encrypt }) {
      let flags = ''
      let bytes: Buffer | null = null
      if (compressOverBytes !== null && Buffer.byteLength(text) > compressOverBytes) {
        bytes = await compress(text, QUALITY)
        flags = 'b'
      }
      if (!encrypt) return seal(flags, '', bytes?.toString('base64') ?? text)
      if (!keys) throw keyless()
      flags += 'e'
      const sealed = encryptBytes(bytes ?? Buffer.from(text), keys.current, aadOf(flags, place))
      return seal(flags, keys.current.id, sealed.toString('base64'))
    },
    async decode(kept, place) {
      const header = readHeader(kept)
      if (typeof header === 'string') return bad(header)
      if (!isIntact(kept, header)) return bad('damaged')
      const { flags, keyId, payloadAt } = header
      const payload = kept.slice(payloadAt)
      if (flags === '') return { ok: true, text: payload }
      const key = flags.includes('e') ? keys?.find(keyId) : null
      if (key === undefined) return bad('unknown-key')
      const bytes = Buffer.from(payload, 'base64')
      const open = key ? decryptBytes(bytes, key, aadOf(flags, place)) : bytes
      return open ? unpack(open, flags) : bad('wrong-key')
    },
  }
}

const bad = (why: Unreadable): Decoded => ({ ok: false, why })

const seal = (flags: string, keyId: string, payload: string): string =>
  `${CODEC_VERSION}${flags}.${keyId}.${checksum(flags, keyId, payload)}\n${payload}`

/** What is encrypted for one place is nothing at another, whoever copies it there. */
const aadOf = (flags: string, place: string): Buffer =>
  Buffer.from(`${CODEC_VERSION}${flags}\n${place}`)

function encryptBytes(bytes: Buffer, { secret }: CacheKeys['current'], aad: Buffer): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', secret, iv).setAAD(aad)
  const sealed = [cipher.update(bytes), cipher.final()]
  return Buffer.concat([iv, cipher.getAuthTag(), ...sealed])
}

function decryptBytes(bytes: Buffer, { secret }: CacheKeys['current'], aad: Buffer): Buffer | null {
  if (bytes.length < IV_BYTES + TAG_BYTES) return null
  const iv = bytes.subarray(0, IV_BYTES)
  try {
    const decipher = createDecipheriv('aes-256-gcm', secret, iv)
      .setAAD(aad)
      .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
    return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()])
  } catch {
    return null
  }
}

async function unpack(bytes: Buffer, flags: string): Promise<Decoded> {
  try {
    const open = flags.includes('b')
      ? await decompress(bytes, { maxOutputLength: MOST_BYTES })
      : bytes
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(open) }
  } catch {
    return bad('damaged')
  }
}

const keyless = (): BursarError =>
  new BursarError(
    'INVALID_OPTIONS',
    'the policy encrypts cached values, and BURSAR_CACHE_KEYS is empty: set it to k1:SECRET with a secret from openssl rand -base64 32, in every process',
  )
