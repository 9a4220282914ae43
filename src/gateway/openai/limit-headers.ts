import type { LimitReport } from '../../queue/limit-words.ts'

type Headers = Readonly<Record<string, string>>

const TOKENS: readonly LimitReport['counts'][] = ['tokens', 'input_tokens', 'output_tokens']
const REQUESTS: readonly LimitReport['counts'][] = ['requests', 'calls']

/**
 * How limits stand, in the headers that OpenAI's clients read: the tightest of requests and the tightest of tokens.
 * @see https://platform.openai.com/docs/guides/rate-limits (headers, read 2026-11-21)
 */
export const openAiLimitHeaders = (limits: readonly LimitReport[], nowMs: number): Headers => ({
  ...headersOf('requests', tightest(limits, REQUESTS), nowMs),
  ...headersOf('tokens', tightest(limits, TOKENS), nowMs),
})

function tightest(
  limits: readonly LimitReport[],
  counts: readonly LimitReport['counts'][],
): LimitReport | undefined {
  let found: LimitReport | undefined
  for (const limit of limits) {
    if (!counts.includes(limit.counts)) continue
    if (!found || limit.remaining / limit.of < found.remaining / found.of) found = limit
  }
  return found
}

function headersOf(
  what: 'requests' | 'tokens',
  limit: LimitReport | undefined,
  nowMs: number,
): Headers {
  if (!limit) return {}
  return {
    [`x-ratelimit-limit-${what}`]: String(limit.of),
    [`x-ratelimit-remaining-${what}`]: String(limit.remaining),
    [`x-ratelimit-reset-${what}`]: durationText(Date.parse(limit.resetsAt) - nowMs),
  }
}

/** `120ms`, `17s`, `6m0s`, `1h30m0s`, as OpenAI writes it. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.max(Math.ceil(ms), 0)}ms`
  const seconds = Math.ceil(ms / 1_000)
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60]
  const parts = [hours > 0 && `${hours}h`, seconds >= 60 && `${minutes}m`, `${seconds % 60}s`]
  return parts.filter((part) => part !== false).join('')
}
