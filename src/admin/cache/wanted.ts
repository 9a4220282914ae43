import type { GovernedRequest } from '../../admission/plan-types.ts'
import type { CacheAsked } from '../../cache/rules.ts'
import { findPrompt } from '../../cache/warming/keep-prompt.ts'
import type { Policy } from '../../config/policy-types.ts'
import { readRequest } from '../../queue/request.ts'
import type { WarmPlace } from './place.ts'

/** What is to be asked beforehand. */
export interface Wanted {
  readonly request: GovernedRequest
  readonly cache: CacheAsked
  /** Under which its answer is looked for; absent = wherever the policy says. */
  readonly key?: string
}

interface Whose {
  readonly tenant?: string | undefined
  readonly user?: string | undefined
}

/** @throws {BursarError} INVALID_REQUEST, UNKNOWN_TIER, REQUEST_TOO_LARGE. */
export function wantedOf(
  prompt: Readonly<Record<string, unknown>>,
  { tenant, user }: Whose,
  policy: Policy,
): Wanted {
  const all: Readonly<Record<string, unknown>> = {
    ...(tenant !== undefined && { tenant }),
    ...(user !== undefined && { user }),
    ...prompt,
  }
  // An answer is kept whole, whoever asked for it in parts.
  const { stream: _, stream_options: __, ...asked } = all
  const { request, options } = readRequest(asked, policy, Date.now())
  return { request, cache: options.cache }
}

/** Prompts that were learned; those that are gone are left out. */
export async function wantedUnder(
  keys: readonly string[],
  { prompts }: WarmPlace,
): Promise<Wanted[]> {
  const found = await Promise.all(keys.map((key) => findPrompt(key, prompts)))
  return found.flatMap((prompt, at) => {
    const key = keys[at]
    if (!prompt || key === undefined) return []
    const { cache, ...request } = prompt
    return [{ request: { ...request, tags: {}, urgency: 'batch' as const }, cache, key }]
  })
}
