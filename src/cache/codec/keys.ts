import { createSecretKey, type KeyObject } from 'node:crypto'
import { BursarError } from '../../errors.ts'

/** Secrets that cached values are encrypted with, by name. */
export interface CacheKeys {
  /** The first: what is written from now on. */
  readonly current: CacheKey
  /** Any of them, for what was written before. */
  find(id: string): CacheKey | undefined
}

export interface CacheKey {
  readonly id: string
  readonly secret: KeyObject
}

const LINE = /^([\w-]{1,32}):([A-Za-z0-9+/_-]{43}=?)$/
const SECRET_BYTES = 32

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
  if (!current || byId.size < keys.length) throw unusable('two keys have the same name')
  return { current, find: (id) => byId.get(id) }
}

function readKey(line: string, at: number): CacheKey {
  const [, id = '', secret = ''] = LINE.exec(line) ?? []
  const bytes = Buffer.from(secret, 'base64')
  if (bytes.length !== SECRET_BYTES) throw unusable(`entry ${at + 1} is not name:secret`)
  return { id, secret: createSecretKey(bytes) }
}

const unusable = (why: string): BursarError =>
  new BursarError(
    'INVALID_OPTIONS',
    `BURSAR_CACHE_KEYS: ${why}; write k1:SECRET with a secret from: openssl rand -base64 32`,
  )
