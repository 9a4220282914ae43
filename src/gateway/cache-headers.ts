import type { IncomingHttpHeaders } from 'node:http'
import { CACHE_MODES, CACHE_SHARES, type CacheMode } from '../config/cache-types.ts'
import { BursarError } from '../errors.ts'
import type { Receipt } from '../queue/receipt.ts'

/** What a header says, in the words of a request's body. */
interface Said {
  readonly cache?: Readonly<Record<string, string>>
  readonly private?: true
}

/** Fields of a body that headers stand in for. */
type Fields = { readonly cache?: unknown; readonly private?: unknown }

/**
 * Adds what the headers say of the cache to a request whose body says nothing of it. `x-bursar-cache` comes before
 * `cache-control`; an answer is private where any of the three says so.
 * @throws {BursarError} INVALID_REQUEST naming a word of x-bursar-cache that is none.
 */
export function withCacheHeaders<Asked extends object>(
  headers: IncomingHttpHeaders,
  asked: Asked,
): Asked {
  const { 'x-bursar-cache': said, 'cache-control': saidToAll } = headers
  if (said === undefined && saidToAll === undefined) return asked
  const own = ownHeader(said?.toString() ?? '')
  const common = commonHeader(saidToAll ?? '')
  const fields: Fields = asked
  const cache = fields.cache ?? own.cache ?? common.cache
  const isPrivate = own.private ?? common.private ?? fields.private
  return {
    ...asked,
    ...(cache !== undefined && { cache }),
    ...(isPrivate !== undefined && { private: isPrivate }),
  }
}

const wordsOf = (header: string): string[] =>
  header
    .toLowerCase()
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')

/** `refresh, ttl=10m, share=user` */
function ownHeader(header: string): Said {
  const words = wordsOf(header)
  const cache: Record<string, string> = {}
  for (const word of words) {
    const [, name = '', value = ''] = /^(ttl|share)\s*=\s*(.+)$/.exec(word) ?? []
    if (name !== '') cache[name] = value
    else if (isMode(word)) cache.mode = word
    else if (word !== 'private') throw unknownWord(word)
  }
  return {
    ...(Object.keys(cache).length > 0 && { cache }),
    ...(words.includes('private') || cache.share === 'user' ? { private: true } : {}),
  }
}

/**
 * What the directives of a request mean here; others are for the caches on the way.
 * @see https://www.rfc-editor.org/rfc/rfc9111#section-5.2.1
 */
function commonHeader(header: string): Said {
  if (header === '') return {}
  const words = wordsOf(header)
  const isAnew = words.includes('no-cache') || words.includes('max-age=0')
  const isUnkept = words.includes('no-store')
  const mode = words.includes('only-if-cached') ? 'only' : modeOf(isAnew, isUnkept)
  return {
    ...(mode && { cache: { mode } }),
    ...(words.includes('private') ? { private: true } : {}),
  }
}

function modeOf(isAnew: boolean, isUnkept: boolean): CacheMode | null {
  if (isAnew) return isUnkept ? 'off' : 'refresh'
  return isUnkept ? 'read' : null
}

const isMode = (word: string): word is CacheMode => CACHE_MODES.some((mode) => mode === word)

const unknownWord = (word: string): BursarError =>
  new BursarError(
    'INVALID_REQUEST',
    `x-bursar-cache: "${word}" is none of ${CACHE_MODES.join(', ')}, private, ttl=10m, share=${CACHE_SHARES.join('|')}`,
  )

/** What became of a request, as a header: `hit`, `joined`, `miss`, or `off; why=temperature`. */
export const verdictHeader = ({ cache, cacheWhy }: Pick<Receipt, 'cache' | 'cacheWhy'>) => ({
  'x-bursar-cache': cacheWhy === undefined ? cache : `${cache}; why=${cacheWhy}`,
})
