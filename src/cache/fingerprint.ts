import { createHash } from 'node:crypto'
import type { GovernedRequest } from '../admission/plan-types.ts'
import type { Policy } from '../config/policy-types.ts'
import { canonicalJson } from './canonical-json.ts'

/**
 * Fields of the body that change nothing about the answer: who asked, how it travels, what it is filed under, what
 * the provider stores. Everything else, known or unknown, is part of the fingerprint.
 */
const IRRELEVANT = new Set([
  'user',
  'safety_identifier',
  'metadata',
  'stream',
  'stream_options',
  'store',
  'service_tier',
  'prompt_cache_key',
  'prompt_cache_retention',
])

/** Bumped when the meaning of a stored answer or of this hash changes: older entries then simply miss. */
const VERSION = 1

/**
 * Names the answer that a request would get: SHA-256 over its canonical JSON, behind the tenant's wall. The model as
 * asked for is part of it, so that `auto` and a named model do not share.
 * @returns `<tenant hash>:<request hash>`, 16 and 64 hex digits; equal requests written differently get the same.
 */
export function fingerprint(request: GovernedRequest): string {
  const body = Object.fromEntries(
    Object.entries(request.body).filter(([name]) => !IRRELEVANT.has(name)),
  )
  const { operation, model, tier } = request
  const text = canonicalJson({ version: VERSION, operation, model, tier, body })
  return `${sha256(request.tenant).slice(0, 16)}:${sha256(`${request.tenant}\n${text}`)}`
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Above this the answer is meant to differ from call to call. */
const MAX_TEMPERATURE = 1

/** Whether an answer may be served again: the cache is on, the request is no draw of chance, and no tool acts. */
export function isCacheable(request: GovernedRequest, policy: Policy): boolean {
  const { temperature, n, tools, background, previous_response_id, conversation } = request.body
  if (!policy.cache.responses.enabled) return false
  if (typeof temperature === 'number' && temperature > MAX_TEMPERATURE) return false
  if (typeof n === 'number' && n > 1) return false
  if (Array.isArray(tools) && tools.length > 0) return false
  return !background && !previous_response_id && !conversation
}
