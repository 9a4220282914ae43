import { limitsFor, type NamedLimit } from '../admission/plan/limit-lines.ts'
import { PROMPT_TAG } from '../admission/plan/own-tags.ts'
import { budgetChain } from '../admission/plan/window-lines.ts'
import type { LimitLine, WindowLine } from '../admission/plan-lines.ts'
import type { GovernedRequest } from '../admission/plan-types.ts'
import type { Policy } from '../config/policy-types.ts'
import type { Nano } from '../money/nano.ts'
import type { Rules } from './context.ts'
import { guessNano } from './fair.ts'
import { metaWriter } from './job.ts'
import { cacheFields } from './job-cache.ts'
import type { RequestOptions } from './request.ts'

/** What the rules say of a request, worked out before the slot is asked. */
export interface Terms {
  /** How it stands to the cache. */
  readonly fields: ReturnType<typeof cacheFields>
  /** The request's own; with the name of its answer while the policy lets prompts be learned. */
  readonly tags: GovernedRequest['tags']
  /** Limits of requests. */
  readonly limits: readonly NamedLimit[]
  /** The same, as the slot is told of them. */
  readonly lines: readonly LimitLine[]
  /** Who asked for what, as it is written with each row: JSON of a `RequestMeta`. */
  meta(enqueuedAtMs: number): string
  /** What holds still is not worked out again. */
  at(request: GovernedRequest, nowMs: number): Moment
}

/** What they say of it at an instant. */
export interface Moment {
  /** The budget windows that it stands in, whatever model serves. */
  readonly windows: readonly WindowLine[]
  readonly windowKeys: readonly string[]
  /** What it may cost, about. */
  readonly guessNano: Nano
}

/** Prices change at hours and days, and a turn is shared by a guess. */
const GUESS_FOR_MS = 60_000

/** Keeps nothing of the request's body. */
export function termsOf(request: GovernedRequest, options: RequestOptions, rules: Rules): Terms {
  const { policy } = rules
  const fields = cacheFields(request, options.cache, policy)
  const tags = tagsOf(request, fields, policy)
  const { body: _, ...who } = { ...request, tags }
  const limits = limitsFor(policy, who).filter(({ counts }) => counts === 'requests')
  const { operation, tenant, user, tier, urgency, model } = who
  const meta = metaWriter({ tenant, user, tier, tags, operation, urgency, modelRequested: model })
  let moment: (Moment & { readonly fromMs: number; readonly untilMs: number }) | null = null
  return {
    ...{ fields, tags, limits, lines: limits.map(({ line }) => line), meta },
    at(asked, nowMs) {
      if (moment && nowMs >= moment.fromMs && nowMs < moment.untilMs) return moment
      const windows = budgetChain(policy, who, nowMs)
      const untilMs = Math.min(nowMs + GUESS_FOR_MS, ...windows.map(({ endMs }) => endMs))
      const guess = guessNano(asked, options.bodyBytes, rules, nowMs)
      const windowKeys = windows.map(({ key }) => key)
      moment = { windows, windowKeys, guessNano: guess, fromMs: nowMs, untilMs }
      return moment
    },
  }
}

/** With the name of its answer, by which repetitions are told in the ledger, while the policy lets prompts be learned. */
const tagsOf = (
  { tags }: GovernedRequest,
  { cacheKey }: Terms['fields'],
  { cache }: Policy,
): GovernedRequest['tags'] =>
  cacheKey !== null && cache.warming?.enabled ? { ...tags, [PROMPT_TAG]: cacheKey } : tags
