import { createHash, hash, randomBytes } from 'node:crypto'
import { BursarError } from '../../errors.ts'
import type { NewSession, SessionOwner, SessionPlace, SessionTimes } from './types.ts'

const BYTES = 32
const TOKEN = /^[\w-]{43}$/
const ID_CHARS = 32
const MOST_DATA_BYTES = 4_096
const MOST_AGENT_CHARS = 256
const MOST_IP_CHARS = 64

export const DEFAULT_TENANT = 'default'

export const DEFAULT_TIMES: SessionTimes = {
  idleMs: 24 * 3_600_000,
  longestMs: 30 * 24 * 3_600_000,
  perUser: 20,
}

/** What the store keeps of a token: half of its hash to find it by, half to know it by. */
export interface TokenHash {
  readonly id: string
  readonly proof: string
}

/** 256 random bits. */
export const drawToken = (): string => randomBytes(BYTES).toString('base64url')

/** @returns null for what is no token. */
export function readToken(token: string): TokenHash | null {
  if (!TOKEN.test(token)) return null
  const digest = createHash('sha256').update(token).digest('hex')
  return { id: digest.slice(0, ID_CHARS), proof: digest.slice(ID_CHARS) }
}

export const isSessionId = (id: string): boolean => /^[0-9a-f]{32}$/.test(id)

/** Names an owner in keys: names of people stay out of them. 32 hex digits. */
export const ownerKey = ({ tenant = DEFAULT_TENANT, user }: SessionOwner): string =>
  hash('sha256', JSON.stringify([tenant, user])).slice(0, ID_CHARS)

/** @throws {BursarError} INVALID_ARGUMENT for what JSON cannot say, or too much of it. */
export function dataText({ data = {} }: NewSession): string {
  const text = JSON.stringify(data)
  if (Buffer.byteLength(text) <= MOST_DATA_BYTES) return text
  throw new BursarError(
    'INVALID_ARGUMENT',
    `the data of a session is read at every request: keep it under ${MOST_DATA_BYTES} bytes, and the rest in a database`,
  )
}

export const placeOf = ({ ip = '', agent = '' }: SessionPlace) => ({
  ip: ip.slice(0, MOST_IP_CHARS),
  agent: agent.slice(0, MOST_AGENT_CHARS),
})
