import { createSecretKey, hash, type KeyObject } from 'node:crypto'
import { BursarError } from '../../errors.ts'

/** Secrets that cached values are encrypted with, by name. */
export interface CacheKeys {
  /** The first: what is written from now on. */
  readonly current: CacheKey
  /** Every one of them, the current one first. */
  readonly ids: readonly string[]
  /** Any of them, for what was written before. */
  find(id: string): CacheKey | undefined
}

export interface CacheKey {
  /** `<name>-<fingerprint>`: another secret under the same name is another key, which nobody takes for this one. */
  readonly id: string
  readonly secret: KeyObject
}

const LINE = /^([\w-]{1,32}):([A-Za-z0-9+/_-]{43}=?)$/
const SECRET_BYTES = 32
/** Hex digits of the secret's SHA-256: they tell keys apart and say nothing of the other 224 bits. */
const FINGERPRINT_DIGITS = 8

/**
 * Reads `k2:<base64>,k1:<base64>`, 32 random bytes each (`openssl rand -base64 32`). To rotate, put a new one in front,
 * in every process; drop the old one when what it wrote has run out.
 * @returns null when there is none.
 * @throws {BursarError} INVALID_OPTIONS, which never shows a secret.
 */
export function readCacheKeys(text: string | undefined): CacheKeys | null {
  if (text === undefined || text.trim() === '') return null
  const keys = text.split(',').map((line, at) => readKey(line.trim(), at))
  const [current] = keys
  const byId = new Map(keys.map((key) => [key.id, key]))
  const names = new Set(keys.map(({ name }) => name))
  if (!current || names.size < keys.length) throw unusable('two keys have the same name')
  return { current, ids: [...byId.keys()], find: (id) => byId.get(id) }
}

function readKey(line: string, at: number): CacheKey & { readonly name: string } {
  const [, name = '', secret = ''] = LINE.exec(line) ?? []
  const bytes = Buffer.from(secret, 'base64')
  if (bytes.length !== SECRET_BYTES) throw unusable(`entry ${at + 1} is not name:secret`)
  const fingerprint = hash('sha256', bytes, 'hex').slice(0, FINGERPRINT_DIGITS)
  return { name, id: `${name}-${fingerprint}`, secret: createSecretKey(bytes) }
}

const unusable = (why: string): BursarError =>
  new BursarError(
    'INVALID_OPTIONS',
    `BURSAR_CACHE_KEYS: ${why}; write k1:SECRET with a secret from: openssl rand -base64 32`,
  )
