import type { GovernedRequest } from '../admission/plan-types.ts'
import type { Operation } from '../config/operations.ts'
import { canonicalJson } from './canonical-json.ts'

type Body = GovernedRequest['body']

/**
 * Fields of the body that change nothing about the answer: who asked, how it travels, what it is filed under, what
 * the provider stores. Everything else, known or unknown, counts.
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

type Defaults = ReadonlyMap<string, unknown>

/** Written out or left out, they ask for the same at every provider. */
const EVERYWHERE: Readonly<Record<Operation, Defaults>> = {
  'chat.completions': new Map<string, unknown>([
    ['n', 1],
    ['logprobs', false],
    ['tools', []],
    ['functions', []],
  ]),
  responses: new Map<string, unknown>([
    ['background', false],
    ['tools', []],
    ['include', []],
  ]),
  // Without a format, vectors are asked for as base64 and handed on as numbers.
  embeddings: new Map([['encoding_format', 'float']]),
}

/**
 * At OpenAI and Azure these too; servers of one's own may start from other values.
 * @see https://platform.openai.com/docs/api-reference (read 2026-11-21)
 */
const AT_OPENAI: Readonly<Record<Operation, Defaults>> = {
  'chat.completions': new Map<string, unknown>([
    ['temperature', 1],
    ['top_p', 1],
    ['frequency_penalty', 0],
    ['presence_penalty', 0],
    ['parallel_tool_calls', true],
    ['tool_choice', 'auto'],
    ['modalities', ['text']],
    ['response_format', { type: 'text' }],
  ]),
  responses: new Map<string, unknown>([
    ['temperature', 1],
    ['top_p', 1],
    ['parallel_tool_calls', true],
    ['tool_choice', 'auto'],
    ['truncation', 'disabled'],
    ['text', { format: { type: 'text' } }],
  ]),
  embeddings: new Map(),
}

const isDefault = (defaults: Defaults, name: string, value: unknown): boolean => {
  const usual = defaults.get(name)
  if (usual === value) return usual !== undefined
  return typeof usual === 'object' && canonicalJson(usual) === canonicalJson(value)
}

/**
 * What a request asks for, however it is written: without what changes nothing about the answer, and without values
 * that are what is left out means anyway.
 * @param openAi - whether OpenAI's defaults hold for whoever may answer.
 * @returns fields in any order; equal for requests that ask for the same.
 */
export function canonicalBody(operation: Operation, body: Body, openAi: boolean): Body {
  const usual = EVERYWHERE[operation]
  const usualThere = AT_OPENAI[operation]
  const asked: Record<string, unknown> = Object.create(null)
  for (const [name, value] of Object.entries(body)) {
    if (value === null || value === undefined || IRRELEVANT.has(name)) continue
    if (isDefault(usual, name, value) || (openAi && isDefault(usualThere, name, value))) continue
    asked[name] = value
  }
  return operation === 'chat.completions' ? withOneCap(asked) : asked
}

/** Chat has an old name for its cap, and the provider is sent the new one. */
function withOneCap({ max_tokens, ...rest }: Record<string, unknown>): Body {
  if (max_tokens === undefined) return rest
  const name = 'max_completion_tokens' in rest ? 'max_tokens' : 'max_completion_tokens'
  return { ...rest, [name]: max_tokens }
}
