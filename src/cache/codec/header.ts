import { hash } from 'node:crypto'

/** The first line of a kept value: `<version><flags>.<key>.<checksum>`. Pure; lib/cached.lua reads the same. */
const HEADER = /^1(b?e?)\.([\w-]{0,41})\.([0-9a-f]{40})$/
/** Longest header that can match. */
const HEADER_CHARS = 90

export const CODEC_VERSION = '1'

/** Why a kept value is of no use. Whoever asks takes all of them for a miss, and says so. */
export type Unreadable = 'damaged' | 'unknown-version' | 'unknown-key' | 'wrong-key'

export interface Header {
  /** b compressed, e encrypted, both, or none. */
  readonly flags: string
  /** Id of the key it is encrypted with, '' = none. */
  readonly keyId: string
  /** Of all the rest, hex. */
  readonly sum: string
  /** Where the payload begins. */
  readonly payloadAt: number
}

/** @returns why it is none, when it is none. The checksum is not compared yet. */
export function readHeader(kept: string): Header | Unreadable {
  const payloadAt = kept.slice(0, HEADER_CHARS).indexOf('\n') + 1
  const [line, flags = '', keyId = '', sum = ''] = HEADER.exec(kept.slice(0, payloadAt - 1)) ?? []
  if (payloadAt > 0 && line !== undefined) return { flags, keyId, sum, payloadAt }
  return /^[2-9]/.test(kept) ? 'unknown-version' : 'damaged'
}

/** SHA-1 of everything but itself, hex: no secret, it tells what was cut short or overwritten. */
export const checksum = (flags: string, keyId: string, payload: string): string =>
  hash('sha1', `${CODEC_VERSION}${flags}.${keyId}\n${payload}`)

/** Whether the payload is the one that the header was written for. */
export const isIntact = (kept: string, { flags, keyId, sum, payloadAt }: Header): boolean =>
  checksum(flags, keyId, kept.slice(payloadAt)) === sum
