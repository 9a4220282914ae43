import { describe, expect, test } from 'vitest'
import { bodyOf } from '../../src/provider/request-body.ts'
import type { ProviderRequest } from '../../src/provider/types.ts'

const chat: ProviderRequest = {
  operation: 'chat.completions',
  provider: 'openai',
  model: 'gpt-6-sol',
  body: { model: 'auto', messages: [] },
  outputCapTokens: 100,
  reasoningEffort: null,
  serviceTier: null,
  stream: false,
}

describe('the body that is sent', () => {
  test('carries the cap of the hold, and not what the caller asked for', () => {
    const asked = { max_tokens: 9_999, max_completion_tokens: 8_888 }
    const sent = bodyOf({ ...chat, body: { ...chat.body, ...asked } })
    expect(sent).toMatchObject({ model: 'gpt-6-sol', max_completion_tokens: 100 })
    expect(sent).not.toHaveProperty('max_tokens')
    const responses = bodyOf({
      ...chat,
      operation: 'responses',
      body: { max_output_tokens: 9_999 },
    })
    expect(responses).toMatchObject({ max_output_tokens: 100 })
  })

  test('passes on every field it does not know', () => {
    const unknown = { seed: 3, vendor_option: { deep: [1, null] }, metadata: { a: 'b' } }
    for (const operation of ['chat.completions', 'responses', 'embeddings'] as const)
      expect(bodyOf({ ...chat, operation, body: unknown })).toMatchObject(unknown)
  })

  test('a stream always brings its usage, and keeps the other stream options', () => {
    const body = { stream_options: { include_obfuscation: false, include_usage: false } }
    expect(bodyOf({ ...chat, body, stream: true })).toMatchObject({
      stream: true,
      stream_options: { include_obfuscation: false, include_usage: true },
    })
    expect(bodyOf({ ...chat, body, stream: false })).not.toHaveProperty('stream_options')
  })

  test('the effort of the rung replaces the caller’s and leaves its neighbours', () => {
    const low = { reasoningEffort: 'low' } as const
    expect(bodyOf({ ...chat, ...low, body: { reasoning_effort: 'high' } })).toMatchObject({
      reasoning_effort: 'low',
    })
    const body = { reasoning: { effort: 'high', summary: 'auto' } }
    expect(bodyOf({ ...chat, ...low, operation: 'responses', body })).toMatchObject({
      reasoning: { effort: 'low', summary: 'auto' },
    })
    expect(bodyOf({ ...chat, operation: 'responses', body })).toMatchObject(body)
  })

  test.each(['priority', 'auto', 'scale', 'tomorrow'])(
    'a tier that no hold paid for is not sent: %s',
    (service_tier) => {
      expect(bodyOf({ ...chat, body: { service_tier } })).not.toHaveProperty('service_tier')
    },
  )

  test('the tier of the rung is sent, and a cheaper one of the caller', () => {
    const paid = bodyOf({ ...chat, serviceTier: 'priority', body: { service_tier: 'flex' } })
    expect(paid).toMatchObject({ service_tier: 'priority' })
    expect(bodyOf({ ...chat, body: { service_tier: 'flex' } })).toMatchObject({
      service_tier: 'flex',
    })
  })

  test('embeddings are asked for in the caller’s format, in the shorter one when it named none', () => {
    const embed = (body: object) => bodyOf({ ...chat, operation: 'embeddings', body: { ...body } })
    expect(embed({})).toMatchObject({ encoding_format: 'base64' })
    expect(embed({ encoding_format: 'float' })).toMatchObject({ encoding_format: 'float' })
  })
})
