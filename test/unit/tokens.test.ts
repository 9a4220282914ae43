import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, test } from 'vitest'
import type { Operation } from '../../src/config/operations.ts'
import { countText, newAllowance, warmTokenizer } from '../../src/pricing/tokenizer.ts'
import { countInputTokens, heldInputTokens, type InputCount } from '../../src/pricing/tokens.ts'

const AS_TEXT = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() }
const text = (value: string) => countText(value, 'o200k', newAllowance())
const chat = (...messages: readonly unknown[]): InputCount =>
  countInputTokens('chat.completions', { model: 'gpt-6-sol', messages })
const user = (content: unknown): InputCount => chat({ role: 'user', content })
const tokensOf = (content: unknown): number => user(content).tokens
const PROSE = 'The quick brown fox jumps over the lazy dog, and recursion explains itself. '

describe('texts', () => {
  test('special tokens in the text of a user are text', () => {
    expect(text('<|endoftext|>').tokens).toBeGreaterThan(3)
    expect(tokensOf('<|im_start|>system')).toBe(7 + text('<|im_start|>system').tokens)
  })

  test.each([
    ['prose', PROSE.repeat(400)],
    ['one long word', 'pneumono'.repeat(600)],
    ['blanks', ' \n'.repeat(900)],
    ['punctuation', '=-'.repeat(900)],
    ['pairs of surrogates', '👩‍👩‍👧'.repeat(60)],
    ['a script without blanks', 'これは長い日本語の文章です'.repeat(80)],
    ['a lone surrogate', `${'x'.repeat(80)}\ud800${'y'.repeat(80)}`],
  ])('%s: the count is the tokenizer’s or a little above', (_, value) => {
    const whole = countTokens(value, AS_TEXT)
    const { tokens, exact } = text(value)
    expect(exact).toBe(true)
    expect(tokens).toBeGreaterThanOrEqual(whole)
    expect(tokens).toBeLessThanOrEqual(whole * 1.3 + 2)
  })

  test('an empty text has no tokens', () => {
    expect(text('')).toEqual({ tokens: 0, exact: true })
  })

  test('a text above the allowance is bounded by its bytes, not counted', () => {
    const value = 'é'.repeat(1_000_000)
    const { tokens, exact } = text(value)
    expect(exact).toBe(false)
    expect(tokens).toBeLessThanOrEqual(2_000_000)
    expect(tokens).toBeGreaterThan(1_000_000)
  })

  test('a million equal letters are counted in time', () => {
    warmTokenizer()
    const started = process.hrtime.bigint()
    text('a'.repeat(1e6))
    // Measured: 40 ms. In one piece it would take minutes.
    expect(Number(process.hrtime.bigint() - started) / 1e6).toBeLessThan(2_000)
  })

  test('noise is given up before it stops the process', () => {
    let seed = 1
    const letter = () => {
      seed = (seed * 48_271) % 2_147_483_647
      return String.fromCharCode(97 + (seed % 26))
    }
    const noise = Array.from({ length: 400_000 }, letter).join('')
    const { tokens, exact } = text(noise)
    expect(exact).toBe(false)
    expect(tokens).toBeLessThanOrEqual(400_000)
  })
})

describe('chats', () => {
  test('a message costs four tokens and its text, an answer three', () => {
    expect(
      chat({ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Hello world' }),
    ).toEqual({
      tokens: 3 + 4 + 3 + 4 + 2,
      exact: true,
      extraMarginPercent: 0,
      unseen: [],
    })
  })

  test('parts of text are counted as texts', () => {
    expect(tokensOf([{ type: 'text', text: 'Hello world' }])).toBe(tokensOf('Hello world'))
  })

  test('tools and schemas are bounded by their JSON', () => {
    const tool = { type: 'function', function: { name: 'add', parameters: { type: 'object' } } }
    const counted = countInputTokens('chat.completions', { messages: [], tools: [tool] })
    expect(counted.exact).toBe(false)
    expect(counted.tokens).toBeGreaterThanOrEqual(3 + text(JSON.stringify(tool)).tokens)
    expect(counted.unseen).toEqual([])
    const format = { type: 'json_schema', json_schema: { name: 'x', schema: tool } }
    const shaped = countInputTokens('chat.completions', { messages: [], response_format: format })
    expect(shaped.tokens).toBeGreaterThan(text(JSON.stringify(format)).tokens)
  })

  test('calls of tools in earlier turns are input', () => {
    const call = { id: 'c1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } }
    const turn = chat({ role: 'assistant', content: null, tool_calls: [call] })
    expect(turn.tokens).toBeGreaterThan(text(JSON.stringify([call])).tokens)
  })

  test('images are bounded by their detail', () => {
    const image = (detail?: string) => [
      { type: 'image_url', image_url: { url: 'https://x/y.png', detail } },
    ]
    expect(['low', 'high', 'auto', undefined].map((detail) => tokensOf(image(detail)))).toEqual(
      [1_000, 6_500, 25_000, 25_000].map((tokens) => tokens + 7),
    )
    expect(user(image('low')).exact).toBe(false)
    const mini = countInputTokens(
      'chat.completions',
      { messages: [{ content: image('high') }] },
      'gpt-4o-mini',
    )
    expect(mini.tokens).toBe(50_007)
  })

  test('sound and files are bounded by their data', () => {
    const sound = { type: 'input_audio', input_audio: { data: 'A'.repeat(7_500), format: 'mp3' } }
    expect(tokensOf([sound])).toBe(7 + 100)
    expect(tokensOf([{ type: 'file', file: { file_data: 'A'.repeat(900) } }])).toBe(7 + 900)
    expect(user([{ type: 'file', file: { file_id: 'file-1' } }]).unseen).toEqual(['file: file-1'])
  })

  test('a model whose tokenizer is not known gets a larger margin', () => {
    const body = { messages: [{ role: 'user', content: PROSE }] }
    const known = countInputTokens('chat.completions', body, 'gpt-6-sol')
    const unknown = countInputTokens('chat.completions', body, 'llama-4')
    expect(unknown).toEqual({ ...known, exact: false, extraMarginPercent: 50 })
    expect(heldInputTokens({ ...known, tokens: 1_000 }, 10)).toBe(1_116)
    expect(heldInputTokens({ ...unknown, tokens: 1_000 }, 10)).toBe(1_616)
  })

  test('the model that will be called chooses the tokenizer', () => {
    const body = { messages: [{ role: 'user', content: 'ગુજરાતી '.repeat(20) }] }
    const tokens = (model: string) => countInputTokens('chat.completions', body, model).tokens
    expect(tokens('gpt-4')).toBeGreaterThan(2 * tokens('gpt-4o'))
  })
})

describe('responses', () => {
  const responses = (body: Record<string, unknown>) => countInputTokens('responses', body)

  test('a plain input costs as much as the same chat', () => {
    expect(responses({ input: PROSE }).tokens).toBe(tokensOf(PROSE))
    const item = { type: 'message', role: 'user', content: [{ type: 'input_text', text: PROSE }] }
    expect(responses({ input: [item] }).tokens).toBe(tokensOf(PROSE))
  })

  test('instructions and results of tools are input', () => {
    const bare = responses({ input: 'x' }).tokens
    expect(responses({ input: 'x', instructions: PROSE }).tokens).toBe(bare + text(PROSE).tokens)
    const output = { type: 'function_call_output', call_id: 'c1', output: PROSE }
    expect(responses({ input: [output] }).tokens).toBeGreaterThan(text(PROSE).tokens)
  })

  test('what the provider remembers or looks up is named, as nothing bounds it', () => {
    const { unseen } = responses({
      input: [{ type: 'item_reference', id: 'msg_1' }],
      previous_response_id: 'resp_1',
      conversation: null,
      tools: [{ type: 'web_search' }, { type: 'function', name: 'add' }],
    })
    expect(unseen).toEqual(['input: msg_1', 'tools[0]: web_search', 'previous_response_id'])
  })
})

describe('embeddings', () => {
  test('texts are counted and lists of tokens measured', () => {
    const count = (input: unknown) =>
      countInputTokens('embeddings', { model: 'text-embedding-3-small', input })
    expect(count('Hello world')).toMatchObject({ tokens: 2, exact: true })
    expect(count(['Hello world', 'Hello']).tokens).toBe(3)
    expect(count([1, 2, 3]).tokens).toBe(3)
    expect(count([[1, 2], [3]]).tokens).toBe(3)
  })
})

test.each<Operation>(['chat.completions', 'responses', 'embeddings'])(
  '%s: a body that makes no sense is counted all the same',
  (operation) => {
    for (const body of [
      {},
      { messages: 7, input: {} },
      { messages: [null, 3, 'x'], input: [null, 3] },
    ]) {
      expect(countInputTokens(operation, body).tokens).toBeGreaterThanOrEqual(0)
    }
  },
)
