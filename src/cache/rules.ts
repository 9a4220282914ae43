import type { GovernedRequest } from '../admission/plan-types.ts'
import type { CacheMode, CachePolicy, CacheShare } from '../config/cache-types.ts'
import type { Policy } from '../config/policy-types.ts'
import { createFindWords, type FindWords } from './find-words.ts'
import { fingerprint } from './fingerprint.ts'
import { questionIn } from './question.ts'
import { toolsOffered } from './tools.ts'
import { narrower } from './walls.ts'

/** Why a request has nothing to do with the cache. */
export const OFF_REASONS = [
  /** The request wants it so. */
  'asked',
  /** The policy has it off. */
  'policy',
  /** The tier may not use the model. */
  'model',
  /** A function is offered that may change something. */
  'tools',
  /** A tool of the provider's own is offered: it looks at the world as it is now. */
  'built-in-tool',
  /** The answer is meant to differ from call to call. */
  'temperature',
  'several-answers',
  'background',
  /** Earlier turns or a prompt stand at the provider, and may be others tomorrow. */
  'stored-elsewhere',
  /** The question is about a time that passes. */
  'time',
] as const
export type OffReason = (typeof OFF_REASONS)[number]

/** What a request says of the cache; what is absent is the policy's. */
export interface CacheAsked {
  readonly mode?: CacheMode
  /** How long its answer is kept. */
  readonly ttlMs?: number
  /** Narrows the policy's; a wider one changes nothing. */
  readonly share?: CacheShare
}

export type CacheVerdict =
  | {
      /** Under which its answer is found and kept. */
      readonly key: string
      readonly mode: Exclude<CacheMode, 'off'>
      readonly ttlMs: number
    }
  | { readonly key: null; readonly mode: CacheMode; readonly why: OffReason }

/** Whether a request may be served what was kept. */
export const isServed = (mode: CacheMode): boolean =>
  mode === 'on' || mode === 'read' || mode === 'only'

/** Whether its answer is kept. */
export const isKept = (mode: CacheMode): boolean =>
  mode === 'on' || mode === 'write' || mode === 'refresh'

/** Whether it waits for the answer of an equal one, and others for its: all are served, and what it gets is kept. */
export const isJoined = (mode: CacheMode): boolean => mode === 'on'

/** Decides what a request has to do with the cache, and under which key. Pure. */
export function judgeCache(
  request: GovernedRequest,
  asked: CacheAsked,
  policy: Policy,
): CacheVerdict {
  const { responses, embeddings } = policy.cache
  const own = request.operation === 'embeddings' && embeddings ? embeddings : responses
  const usual = own === responses ? (responses.mode ?? 'on') : 'on'
  const mode = asked.mode ?? usual
  if (!own.enabled) return { key: null, mode, why: 'policy' }
  if (mode === 'off') return { key: null, mode, why: asked.mode ? 'asked' : 'policy' }
  const why = forbidden(request, responses)
  if (why !== null) return { key: null, mode, why }
  const widest = responses.share ?? 'tenant'
  const key = fingerprint(request, policy, narrower(asked.share ?? widest, widest))
  if (key === null) return { key, mode, why: 'model' }
  const mostMs = Math.max(own.ttlMs, responses.maxTtlMs ?? 0)
  return { key, mode, ttlMs: Math.min(asked.ttlMs ?? own.ttlMs, mostMs) }
}

/** What a request that names no temperature is answered at. */
const USUAL_TEMPERATURE = 1

function forbidden(request: GovernedRequest, rules: CachePolicy['responses']): OffReason | null {
  if (request.operation === 'embeddings') return null
  const { temperature, n, background, previous_response_id, conversation, prompt } = request.body
  const { maxTemperature = 1, pureTools = [], skipWhen = [] } = rules
  const warmth = typeof temperature === 'number' ? temperature : USUAL_TEMPERATURE
  if (warmth > maxTemperature) return 'temperature'
  if (typeof n === 'number' && n > 1) return 'several-answers'
  if (background) return 'background'
  if (previous_response_id || conversation || prompt) return 'stored-elsewhere'
  const tools = toolsOffered(request, pureTools)
  if (tools !== 'none') return tools === 'acting' ? 'tools' : 'built-in-tool'
  return finderOf(skipWhen)(questionIn(request)) === null ? null : 'time'
}

const finders = new WeakMap<readonly string[], FindWords>()

/** A policy lives long, and its words are made ready once. */
function finderOf(words: readonly string[]): FindWords {
  const known = finders.get(words)
  if (known) return known
  const made = createFindWords(words)
  finders.set(words, made)
  return made
}
