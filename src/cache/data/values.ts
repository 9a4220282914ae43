import { BursarError, messageOf } from '../../errors.ts'
import type { Logger } from '../../telemetry/logger.ts'
import type { Codec, Decoded } from '../codec/codec.ts'
import type { Namespace } from './namespaces.ts'
import type { Placed } from './places.ts'
import type { CacheCounts } from './types.ts'

interface ValuesParts {
  readonly codec: Codec
  readonly logger: Pick<Logger, 'warn'>
}

/** Values as they are kept, and what became of them. */
export interface Values {
  /** @throws {BursarError} INVALID_ARGUMENT for what JSON cannot say. */
  write(namespace: Namespace, at: Placed, value: unknown): Promise<string>
  /** Undefined = a miss; what is of no use is one, and logged. */
  read<T>(
    namespace: Namespace,
    at: Placed,
    kept: string | null,
    parse?: (value: unknown) => T,
  ): Promise<T | undefined>
  count(namespace: string, what: keyof CacheCounts): void
  counts(): Readonly<Record<string, CacheCounts>>
}

const NEVER: CacheCounts = { hits: 0, misses: 0, loaded: 0, joined: 0, unreadable: 0 }
/** What is counted with is kept as it is. */
const NUMBER = /^-?\d+$/

export function createValues({ codec, logger }: ValuesParts): Values {
  const counts = new Map<string, { -readonly [K in keyof CacheCounts]: number }>()

  function count(name: string, what: keyof CacheCounts): void {
    const known = counts.get(name) ?? { ...NEVER }
    known[what] += 1
    counts.set(name, known)
  }

  function unreadable({ name }: Namespace, { key }: Placed, why: string): undefined {
    logger.warn({ namespace: name, key, why }, 'a cached value is of no use: it counts as a miss')
    count(name, 'unreadable')
    count(name, 'misses')
  }

  return {
    count,
    write: (namespace, at, value) => codec.encode(jsonOf(value), pathOf(at), namespace),
    async read(namespace, at, kept, parse) {
      if (kept === null) {
        count(namespace.name, 'misses')
        return undefined
      }
      const decoded: Decoded = NUMBER.test(kept)
        ? { ok: true, text: kept }
        : await codec.decode(kept, pathOf(at))
      if (!decoded.ok) return unreadable(namespace, at, decoded.why)
      try {
        const value = JSON.parse(decoded.text)
        const read = parse ? parse(value) : value
        count(namespace.name, 'hits')
        return read
      } catch (error) {
        return unreadable(namespace, at, messageOf(error))
      }
    },
    counts: () => Object.fromEntries([...counts].map(([name, known]) => [name, { ...known }])),
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
