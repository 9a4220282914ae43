import { z } from 'zod'
import { freshnessOf } from '../../cache/data/fetch-headers.ts'
import { cacheKey } from '../../cache/data/keys.ts'
import type { DataCache, Owner } from '../../cache/data/types.ts'
import { readTime } from '../duration.ts'
import { headerOf, type Instead, type Headers as Sent, type WebRequest } from '../request.ts'

export interface CacheAnswersOptions<Native> {
  /** A namespace of the policy, or one that `createMiddleware` was given. Absent = `pages`, five minutes. */
  readonly namespace?: string
  /** `30s`, `10m`; an answer's own `max-age` may say less. Absent = the namespace's. */
  readonly ttl?: string
  /** What the answer depends on: `cache.invalidateTag(namespace, tag)` ends it. */
  readonly tags?: readonly string[] | ((request: Native) => readonly string[])
  /** Headers of the request that the answer goes by, in lower case, e.g. `accept-language`. */
  readonly vary?: readonly string[]
  /**
   * Whose the answer is: it is kept behind their wall. This is how requests with credentials (`authorization`, a
   * cookie) are cached; without it they never are.
   */
  readonly owner?: (request: Native) => Owner | undefined
}

/** What the application answered. */
export interface Given {
  readonly status: number
  readonly headers: Readonly<Record<string, number | string | readonly string[] | undefined>>
  readonly body: Buffer
  /** `content-encoding` when the body was seen: whoever encodes it after that is not seen. '' = none. */
  readonly encodedAs: string
}

export type Looked =
  | { readonly state: 'off' }
  | { readonly state: 'hit'; readonly instead: Instead }
  | Miss

export interface Miss {
  readonly state: 'miss'
  /** Keeps what was answered, if it may be kept. */
  keep(given: Given): Promise<void>
}

const KeptSchema = z.object({
  status: z.int(),
  headers: z.record(z.string(), z.string()),
  /** base64 */
  body: z.string(),
  atMs: z.int(),
})

/** Larger answers are no data for a cache. */
export const MOST_ANSWER_BYTES = 1_048_576
const DEFAULT_NAMESPACE = 'pages'
/** Said anew with each answer, or of the connection alone. */
const NOT_KEPT =
  /^(age|connection|content-length|date|keep-alive|proxy-.*|ratelimit.*|retry-after|set-cookie|te|trailer|transfer-encoding|upgrade|x-bursar-cache|x-ratelimit.*|x-request-id)$/

/**
 * Keeps answers to GET requests in the data cache. Kept are answers with status 200 that set no cookie, are no larger
 * than a mebibyte, and forbid it neither by `cache-control` nor by a `vary` that `vary` does not name.
 */
export function createAnswerCache<Native>(
  cache: Pick<DataCache, 'get' | 'set'>,
  options: CacheAnswersOptions<Native>,
): (request: WebRequest<Native>) => Promise<Looked> {
  const { namespace = DEFAULT_NAMESPACE, tags = [], vary = [], owner } = options
  const ttlMs = options.ttl === undefined ? undefined : readTime(options.ttl, 'ttl')

  return async function cacheAnswers(request) {
    if (request.method !== 'GET') return { state: 'off' }
    const whose = owner?.(request.native)
    if (whose === undefined && hasCredentials(request)) return { state: 'off' }
    const key = cacheKey(
      'GET',
      request.url,
      vary.map((name) => headerOf(request, name) ?? null),
    )
    const parse = (value: unknown) => KeptSchema.parse(value)
    const kept = await cache.get(namespace, key, { ...whose, parse })
    if (kept) return { state: 'hit', instead: insteadOf(request, kept) }
    return {
      state: 'miss',
      async keep(given) {
        const mayMs = mayKeepFor(given, vary, whose?.user !== undefined)
        if (mayMs === 0) return
        const headers = keptHeaders(given)
        const { status, body } = given
        const value = { status, headers, body: body.toString('base64'), atMs: Date.now() }
        const forMs = Math.min(ttlMs ?? Number.POSITIVE_INFINITY, mayMs)
        await cache.set(namespace, key, value, {
          ...whose,
          tags: typeof tags === 'function' ? tags(request.native) : tags,
          ...(Number.isFinite(forMs) && { ttlMs: forMs }),
        })
      },
    }
  }
}

const hasCredentials = ({ headers }: WebRequest): boolean =>
  headers.authorization !== undefined || headers.cookie !== undefined

/** @returns ms; 0 = not at all, infinity = as long as the cache likes. @see RFC 9111, section 3 */
function mayKeepFor(
  { status, headers, body, encodedAs }: Given,
  vary: readonly string[],
  isOwned: boolean,
): number {
  if (status !== 200 || body.byteLength > MOST_ANSWER_BYTES) return 0
  if (headers['set-cookie'] !== undefined || encodingOf(headers) !== encodedAs) return 0
  const varies = textOf(headers.vary)
    .split(',')
    .map((name) => name.trim().toLowerCase())
  if (varies.some((name) => name !== '' && !vary.includes(name))) return 0
  const said = freshnessOf(new Headers({ 'cache-control': textOf(headers['cache-control']) }))
  if (!said.keep || (said.isPrivate && !isOwned)) return 0
  return said.maxAgeMs ?? Number.POSITIVE_INFINITY
}

export const encodingOf = (headers: Given['headers']): string => textOf(headers['content-encoding'])

const textOf = (value: Given['headers'][string]): string =>
  value === undefined ? '' : typeof value === 'object' ? value.join(', ') : String(value)

function keptHeaders({ headers }: Given): Sent {
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), textOf(value)])
  return Object.fromEntries(named.filter(([name = '']) => !NOT_KEPT.test(name)))
}

type Kept = z.infer<typeof KeptSchema>

function insteadOf(request: WebRequest, { status, headers, body, atMs }: Kept): Instead {
  const ageS = Math.max(0, Math.floor((Date.now() - atMs) / 1_000))
  const told = { ...headers, age: String(ageS), 'x-bursar-cache': 'hit' }
  if (isKnown(headerOf(request, 'if-none-match'), headers.etag)) {
    return { status: 304, headers: told, body: '' }
  }
  return { status, headers: told, body: Buffer.from(body, 'base64') }
}

/** Compares weakly. @see https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2 */
function isKnown(given: string | undefined, etag: string | undefined): boolean {
  if (given === undefined || etag === undefined) return false
  const bare = (one: string) => one.trim().replace(/^W\//, '')
  return given.trim() === '*' || given.split(',').map(bare).includes(bare(etag))
}
