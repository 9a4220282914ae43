import { hash } from 'node:crypto'
import type { NamedLimit } from '../../admission/plan/limit-lines.ts'
import { readIpAddress } from '../../config/ip-address.ts'
import { BursarError, isBursarError } from '../../errors.ts'
import { limitHeaders } from '../../queue/limit-headers.ts'
import { type LimitReport, refusalOf, reportLimit } from '../../queue/limit-words.ts'
import { readTime } from '../duration.ts'
import { refusal } from '../refusal.ts'
import type { Headers, Instead, WebRequest } from '../request.ts'
import { sessionOf } from '../sessions/session-of.ts'
import type { Limiter, RateLine } from './limiter.ts'
import { RATE_LIMIT_PRESETS, type RateLimitPreset } from './presets.ts'

/** What a refused request is told. */
export interface LimitRefusal extends LimitReport {
  /** When the same request fits, ms from now. */
  readonly retryAfterMs: number
}

export interface RateLimitOptions<Native> {
  /** Absent = `standard`. */
  readonly preset?: RateLimitPreset
  /** Requests under one name are counted together, whatever route they came by. Absent = the preset's. */
  readonly name?: string
  /** Absent = the preset's. */
  readonly limit?: number
  /** `1m`, `1h`; absent = the preset's. */
  readonly per?: string
  /**
   * Whose requests are counted together: the address's (of IPv6 the /64), the session's user's, or what the function
   * says. Who is nobody, `undefined` too, counts by address. Absent = `ip`.
   */
  readonly by?: 'ip' | 'user' | ((request: Native) => string | undefined)
  /** Those that are not counted. */
  readonly skip?: (request: Native) => boolean
  /** Told of each refusal, before it is sent. */
  readonly onLimit?: (request: Native, refused: LimitRefusal) => void
  /** What happens while nobody can count. Absent = `allow`. */
  readonly whenAway?: 'allow' | 'refuse'
}

export type RateVerdict =
  | { readonly pass: true; readonly headers: Headers }
  | { readonly pass: false; readonly instead: Instead }

const NAME = /^[\w.-]{1,64}$/

/**
 * Counts requests. The window slides: never more than `limit` pass within any `per`.
 * @throws {BursarError} INVALID_ARGUMENT for options that are none.
 */
export function createRateLimit<Native>(
  limiter: Pick<Limiter, 'take'>,
  options: RateLimitOptions<Native>,
): (request: WebRequest<Native>) => Promise<RateVerdict> {
  const { preset = 'standard', by = 'ip', skip, onLimit, whenAway = 'allow' } = options
  const { name = preset, limit, per } = { ...RATE_LIMIT_PRESETS[preset], ...options }
  if (!NAME.test(name)) throw invalid(`name: '${name}' has more than letters, digits, _ . -`)
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw invalid(`limit: ${limit} is no whole number above 0`)
  const perMs = readTime(per, 'per')
  const lineFor = (request: WebRequest<Native>): RateLine => ({
    kind: 'sliding-window',
    key: `app:${name}/${subjectOf(request, by)}`,
    limit,
    perMs,
  })

  return async function rateLimit(request) {
    if (skip?.(request.native)) return { pass: true, headers: {} }
    const line = lineFor(request)
    const named: NamedLimit = { line, counts: 'requests' }
    try {
      const { fits, state } = await limiter.take(line)
      const headers = limitHeaders([reportLimit(named, state)], Date.now())
      if (fits) return { pass: true, headers }
      const { message, detail } = refusalOf(named, state, Math.max(state.resetAtMs - Date.now(), 1))
      onLimit?.(request.native, detail)
      const error = new BursarError('RATE_LIMITED', message, { retryable: true, detail })
      return {
        pass: false,
        instead: refusal(429, 'rate_limit_error', error, { ...headers, ...retryAfter(detail) }),
      }
    } catch (error) {
      if (!isBursarError(error, 'STORE_UNAVAILABLE')) throw error
      if (whenAway === 'allow') return { pass: true, headers: {} }
      const headers = retryAfter({ retryAfterMs: 1_000 })
      return { pass: false, instead: refusal(503, 'server_error', error, headers) }
    }
  }
}

const retryAfter = ({ retryAfterMs }: Pick<LimitRefusal, 'retryAfterMs'>): Headers => ({
  'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1_000))),
})

/** Names of people and keys of programs stay out of Redis: what is no address is told by its hash. */
function subjectOf<Native>(
  { native, ip }: WebRequest<Native>,
  by: NonNullable<RateLimitOptions<Native>['by']>,
): string {
  const own = by === 'ip' ? undefined : by === 'user' ? userOf(native) : by(native)
  if (own !== undefined && own !== '') return hash('sha256', own).slice(0, 32)
  return readIpAddress(ip ?? '') ?? 'nowhere'
}

function userOf(native: unknown): string | undefined {
  const session = sessionOf(native)
  return session ? JSON.stringify([session.tenant, session.user]) : undefined
}

const invalid = (message: string): BursarError => new BursarError('INVALID_ARGUMENT', message)
