import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readUsage } from '../../src/provider/usage.ts'

const count = fc.nat(1_000_000)

/** Counts as a provider reports them: inclusive totals with details. */
const reported = fc.record({
  fresh: count,
  cached: count,
  written: count,
  visible: count,
  thought: count,
})

const chatUsage = (u: {
  fresh: number
  cached: number
  written: number
  visible: number
  thought: number
}) => ({
  prompt_tokens: u.fresh + u.cached + u.written,
  completion_tokens: u.visible + u.thought,
  total_tokens: u.fresh + u.cached + u.written + u.visible + u.thought,
  prompt_tokens_details: { cached_tokens: u.cached, cache_write_tokens: u.written },
  completion_tokens_details: { reasoning_tokens: u.thought },
})

describe('usage', () => {
  test('the five buckets are disjoint and add up to every token', () => {
    fc.assert(
      fc.property(reported, (u) => {
        const chat = chatUsage(u)
        expect(readUsage('chat.completions', chat)).toEqual({
          inputTokens: u.fresh,
          cachedInputTokens: u.cached,
          cacheWriteTokens: u.written,
          outputTokens: u.visible,
          reasoningTokens: u.thought,
        })
        const responses = {
          input_tokens: chat.prompt_tokens,
          output_tokens: chat.completion_tokens,
          total_tokens: chat.total_tokens,
          input_tokens_details: chat.prompt_tokens_details,
          output_tokens_details: chat.completion_tokens_details,
        }
        expect(readUsage('responses', responses)).toEqual(readUsage('chat.completions', chat))
      }),
    )
  })

  test.each([
    ['missing', undefined],
    ['null', null],
    ['negative', { prompt_tokens: -1, completion_tokens: 1, total_tokens: 0 }],
    ['fractional', { prompt_tokens: 1.5, completion_tokens: 1, total_tokens: 2.5 }],
    ['text', { prompt_tokens: '1', completion_tokens: 1 }],
    ['a total that is no sum', { prompt_tokens: 1, completion_tokens: 1, total_tokens: 3 }],
    ['more cached than read', usageWith({ cached_tokens: 11 }, {})],
    ['more written than read', usageWith({ cached_tokens: 6, cache_write_tokens: 5 }, {})],
    ['more thought than said', usageWith({}, { reasoning_tokens: 6 })],
  ])('%s counts are no bill', (_name, raw) => {
    expect(readUsage('chat.completions', raw)).toBeNull()
  })

  test('details and total may be left out', () => {
    expect(readUsage('chat.completions', { prompt_tokens: 3, completion_tokens: 4 })).toEqual({
      inputTokens: 3,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: 4,
      reasoningTokens: 0,
    })
    expect(readUsage('embeddings', { prompt_tokens: 3, total_tokens: 3 })?.inputTokens).toBe(3)
  })
})

function usageWith(prompt: object, completion: object) {
  return {
    prompt_tokens: 10,
    completion_tokens: 5,
    total_tokens: 15,
    prompt_tokens_details: prompt,
    completion_tokens_details: completion,
  }
}
