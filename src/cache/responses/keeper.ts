import { BursarError } from '../../errors.ts'
import { createCodec, type Decoded } from '../codec/codec.ts'
import type { CacheKeys } from '../codec/keys.ts'

/** What a policy says of how one kind of answers is kept. */
export interface KeepSettings {
  /** Texts above this many bytes are compressed; null = never, absent = 2 KiB. */
  readonly compressOverBytes?: number | null
  /** Absent = false. */
  readonly encrypt?: boolean
}

/** Puts answers into the form in which they are kept, and takes them out of it. */
export interface Keeper {
  /** Ids of the keys that it can open with: what else is encrypted is a miss to whoever asks with them. */
  readonly openers: readonly string[]
  /**
   * @param place - its key: an encrypted one can be opened from there alone.
   * @throws {BursarError} INVALID_OPTIONS when it is to be encrypted and there is no key.
   */
  keepAnswer(text: string, place: string, settings: KeepSettings): Promise<string>
  /** Never throws: it is the text that was kept at this place, or a reason. */
  openAnswer(kept: string, place: string): Promise<Decoded>
}

const COMPRESS_OVER_BYTES = 2_048

export function createKeeper(keys: CacheKeys | null): Keeper {
  const codec = createCodec(keys)
  return {
    openers: keys?.ids ?? [],
    keepAnswer: (text, place, { compressOverBytes = COMPRESS_OVER_BYTES, encrypt = false }) =>
      codec.encode(text, place, { compressOverBytes, encrypt }),
    openAnswer: (kept, place) => codec.decode(kept, place),
  }
}

/** @throws {BursarError} INVALID_OPTIONS when the policy encrypts answers and nobody gave a key. */
export function requireKeys(
  { cache: { responses } }: { readonly cache: { readonly responses: KeepSettings } },
  keys: CacheKeys | null,
): void {
  if (!responses.encrypt || keys) return
  throw new BursarError(
    'INVALID_OPTIONS',
    'the policy encrypts answers (cache.responses.encrypt) and BURSAR_CACHE_KEYS is empty: set it to k1:SECRET with a secret from openssl rand -base64 32, in every process, or encrypt nothing',
  )
}
