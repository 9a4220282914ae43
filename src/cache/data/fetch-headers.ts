/** What an answer says of how long it may be kept, and of whether it may be asked for again. */
export interface Freshness {
  /** false = not to be kept at all. */
  readonly keep: boolean
  /** Not to be shared among owners. */
  readonly isPrivate: boolean
  /** How long it may be used without asking, ms; null = it does not say. */
  readonly maxAgeMs: number | null
}

/** Reads `Cache-Control` and `Age`. @see RFC 9111, sections 4.2 and 5.2.2 */
export function freshnessOf(headers: Headers): Freshness {
  const words = (headers.get('cache-control') ?? '')
    .split(',')
    .map((word) => word.trim().toLowerCase())
  const maxAge = words.find((word) => word.startsWith('max-age='))?.slice('max-age='.length)
  const age = secondsOf(headers.get('age')) ?? 0
  const seconds = words.includes('no-cache') ? 0 : secondsOf(maxAge?.replaceAll('"', ''))
  return {
    keep: !words.includes('no-store'),
    isPrivate: words.includes('private'),
    maxAgeMs: seconds === null ? null : Math.max(seconds - age, 0) * 1_000,
  }
}

const secondsOf = (text: string | null | undefined): number | null =>
  text && /^\d{1,12}$/.test(text) ? Number(text) : null

/** Asked too soon after a refusal that says no time, one is refused again. */
const PAUSE_MS = 60_000
const LONGEST_PAUSE_MS = 3_600_000

const IN_WORDS = /secondary rate limit/i

/**
 * How long whoever refused wants to be left alone, ms; null = it refused for another reason, and no copy may hide that.
 * 429 always; 403 when it says so, as GitHub's does: `retry-after`, nothing left until `x-ratelimit-reset`, or in words.
 * @param text - of the answer.
 * @see https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api (read 2026-11-21)
 */
export function pauseOf({ status, headers }: Response, text: string, nowMs: number): number | null {
  if (status !== 429 && status !== 403) return null
  const retryAfter = headers.get('retry-after')
  const resetsAt = secondsOf(headers.get('x-ratelimit-reset'))
  const hasNothingLeft = headers.get('x-ratelimit-remaining') === '0'
  const isLimit = retryAfter !== null || hasNothingLeft || IN_WORDS.test(text)
  if (status === 403 && !isLimit) return null
  const waitMs =
    waitOf(retryAfter, nowMs) ??
    (hasNothingLeft && resetsAt !== null ? resetsAt * 1_000 - nowMs : PAUSE_MS)
  return Math.min(Math.max(waitMs, 1_000), LONGEST_PAUSE_MS)
}

/** Seconds, or a date. */
function waitOf(retryAfter: string | null, nowMs: number): number | null {
  const seconds = secondsOf(retryAfter)
  if (seconds !== null) return seconds * 1_000
  const atMs = retryAfter === null ? Number.NaN : Date.parse(retryAfter)
  return Number.isNaN(atMs) ? null : atMs - nowMs
}
