import { BursarError, messageOf } from '../../errors.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Codec, Decoded } from '../codec/codec.ts'
import type { Recorder } from '../figures/recorder.ts'
import type { Namespace } from './namespaces.ts'
import type { Placed } from './places.ts'

interface ValuesParts {
  readonly codec: Codec
  readonly logger: Pick<Logger, 'warn'>
  readonly recorder: Recorder
}

/** Who reads what. */
export interface Reading {
  readonly of: Namespace
  readonly tenant: string
}

/** A value that is of use. */
export interface Opened<T> {
  readonly value: T
  readonly bytes: number
}

/** Values as they are kept, and what became of them. */
export interface Values {
  /** @throws {BursarError} INVALID_ARGUMENT for what JSON cannot say. */
  write(of: Namespace, at: Placed, value: unknown): Promise<string>
  /** Undefined = of no use, which is logged and counted; nothing else is. */
  open<T>(
    reading: Reading,
    at: Placed,
    kept: string,
    parse?: (value: unknown) => T,
  ): Promise<Opened<T> | undefined>
  /** Undefined = a miss; what is of no use is one. */
  read<T>(
    reading: Reading,
    at: Placed,
    kept: string | null,
    parse?: (value: unknown) => T,
  ): Promise<T | undefined>
}

/** What is counted with is kept as it is. */
const NUMBER = /^-?\d+$/

export function createValues({ codec, logger, recorder }: ValuesParts): Values {
  function unreadable({ of, tenant }: Reading, { key }: Placed, why: string): undefined {
    const namespace = of.name
    logger.warn({ namespace, key, why }, 'a cached value is of no use: it counts as a miss')
    recorder.count({ namespace, tenant }, 'unreadable')
  }

  async function open<T>(
    reading: Reading,
    at: Placed,
    kept: string,
    parse?: (value: unknown) => T,
  ): Promise<Opened<T> | undefined> {
    const decoded: Decoded = NUMBER.test(kept)
      ? { ok: true, text: kept }
      : await codec.decode(kept, pathOf(at))
    if (!decoded.ok) return unreadable(reading, at, decoded.why)
    try {
      const value = JSON.parse(decoded.text)
      return { value: parse ? parse(value) : value, bytes: Buffer.byteLength(kept) }
    } catch (error) {
      return unreadable(reading, at, messageOf(error))
    }
  }

  return {
    open,
    write: (of, at, value) => codec.encode(jsonOf(value), pathOf(at), of),
    async read(reading, at, kept, parse) {
      const reader = { namespace: reading.of.name, tenant: reading.tenant }
      const opened = kept === null ? undefined : await open(reading, at, kept, parse)
      if (opened) recorder.count(reader, 'bytes', opened.bytes)
      recorder.count(reader, opened ? 'hits' : 'misses')
      return opened?.value
    },
  }
}

const pathOf = ({ scope, key }: Placed): string => `${scope}\n${key}`

function jsonOf(value: unknown): string {
  const text = JSON.stringify(value)
  if (text !== undefined) return text
  throw new BursarError(
    'INVALID_ARGUMENT',
    'a cached value is what JSON can say: undefined and functions are not',
  )
}
