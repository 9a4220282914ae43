import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
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
  'prompt_cache_options',
  'prompt_cache_retention',
])

/** Written out or left out, they ask for the same at every provider. Other defaults differ from model to model. */
const DEFAULTS: Readonly<Record<string, unknown>> = { n: 1, background: false }

/** Bumped when the meaning of a stored answer or of this hash changes: older entries then simply miss. */
const VERSION = 2

const isAsked = ([name, value]: [string, unknown]): boolean =>
  value !== null &&
  value !== undefined &&
  !IRRELEVANT.has(name) &&
  !(Object.hasOwn(DEFAULTS, name) && DEFAULTS[name] === value)

/**
 * Names the answer that a request would get: SHA-256 over its canonical JSON, behind the tenant's wall. The model as
 * asked for is part of it, so that `auto` and a named model do not share; so is `pinned`, which a lesser model's
 * answer would betray.
 * @returns `<tenant hash>:<request hash>`, 16 and 64 hex digits; equal requests written differently get the same.
 */
export function fingerprint(request: GovernedRequest): string {
  const { operation, model, tier, pinned } = request
  const { tenant, wall } = tenantOf(request.tenant)
  const body = Object.fromEntries(Object.entries(request.body).filter(isAsked))
  const text = canonicalJson({ version: VERSION, operation, model, tier, pinned, body })
  return `${wall}:${sha256(`${tenant}\n${text}`)}`
}

/** Tenants come again and again. */
const tenants = new LRUCache<string, { readonly tenant: string; readonly wall: string }>({
  max: 1_000,
})

function tenantOf(name: string) {
  const known = tenants.get(name)
  if (known) return known
  // As JSON, halves of characters stay what they are; as UTF-8 they would all be one replacement character.
  const tenant = canonicalJson(name)
  const made = { tenant, wall: sha256(tenant).slice(0, 16) }
  tenants.set(name, made)
  return made
}

const sha256 = (text: string): string => hash('sha256', text, 'hex')

/** Above this the answer is meant to differ from call to call. */
const MAX_TEMPERATURE = 1

const isFilled = (list: unknown): boolean => Array.isArray(list) && list.length > 0

/** Whether an answer may be served again: the cache is on, the request is no draw of chance, and no tool acts. */
export function isCacheable({ operation, body }: GovernedRequest, { cache }: Policy): boolean {
  const { temperature, n, tools, functions, background, previous_response_id, conversation } = body
  const { enabled } =
    operation === 'embeddings' && cache.embeddings ? cache.embeddings : cache.responses
  if (!enabled) return false
  if (typeof temperature === 'number' && temperature > MAX_TEMPERATURE) return false
  if (typeof n === 'number' && n > 1) return false
  if (isFilled(tools) || isFilled(functions)) return false
  return !background && !previous_response_id && !conversation
}
