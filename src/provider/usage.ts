import { z } from 'zod'
import type { Operation } from '../config/operations.ts'
import type { Usage } from '../pricing/types.ts'

const tokens = z.int().min(0)
const detail = tokens.nullish().transform((count) => count ?? 0)

const ChatUsage = z
  .object({
    prompt_tokens: tokens,
    completion_tokens: tokens,
    total_tokens: tokens.nullish(),
    prompt_tokens_details: z
      .object({ cached_tokens: detail, cache_write_tokens: detail })
      .nullish(),
    completion_tokens_details: z.object({ reasoning_tokens: detail }).nullish(),
  })
  .transform((usage) => ({
    input: usage.prompt_tokens,
    output: usage.completion_tokens,
    total: usage.total_tokens,
    cached: usage.prompt_tokens_details?.cached_tokens ?? 0,
    cacheWrite: usage.prompt_tokens_details?.cache_write_tokens ?? 0,
    reasoning: usage.completion_tokens_details?.reasoning_tokens ?? 0,
  }))

const ResponsesUsage = z
  .object({
    input_tokens: tokens,
    output_tokens: tokens,
    total_tokens: tokens.nullish(),
    input_tokens_details: z.object({ cached_tokens: detail, cache_write_tokens: detail }).nullish(),
    output_tokens_details: z.object({ reasoning_tokens: detail }).nullish(),
  })
  .transform((usage) => ({
    input: usage.input_tokens,
    output: usage.output_tokens,
    total: usage.total_tokens,
    cached: usage.input_tokens_details?.cached_tokens ?? 0,
    cacheWrite: usage.input_tokens_details?.cache_write_tokens ?? 0,
    reasoning: usage.output_tokens_details?.reasoning_tokens ?? 0,
  }))

const EmbeddingsUsage = z
  .object({ prompt_tokens: tokens, total_tokens: tokens.nullish() })
  .transform((usage) => ({
    input: usage.prompt_tokens,
    output: 0,
    total: usage.total_tokens,
    cached: 0,
    cacheWrite: 0,
    reasoning: 0,
  }))

const SCHEMAS = {
  'chat.completions': ChatUsage,
  responses: ResponsesUsage,
  embeddings: EmbeddingsUsage,
} as const satisfies Record<Operation, z.ZodType>

/**
 * Splits what a provider counted into disjoint buckets: its input includes what it read from and wrote to its cache, its
 * output includes reasoning.
 * @returns null when the counts are missing, negative, or contradict each other: nobody knows the bill then.
 */
export function readUsage(operation: Operation, raw: unknown): Usage | null {
  const parsed = SCHEMAS[operation].safeParse(raw)
  if (!parsed.success) return null
  const { input, output, total, cached, cacheWrite, reasoning } = parsed.data
  const isWhole = total === null || total === undefined || total === input + output
  if (!isWhole || cached + cacheWrite > input || reasoning > output) return null
  return {
    inputTokens: input - cached - cacheWrite,
    cachedInputTokens: cached,
    cacheWriteTokens: cacheWrite,
    outputTokens: output - reasoning,
    reasoningTokens: reasoning,
  }
}
