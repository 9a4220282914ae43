import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createChatReader } from '../../src/provider/chat-stream.ts'
import { createResponsesReader } from '../../src/provider/responses-stream.ts'

const HEAD = { id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm' }
const chunk = (delta: object, finish: string | null = null, index = 0) => ({
  ...HEAD,
  choices: [{ index, delta, finish_reason: finish }],
})
const USAGE = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }

function readAll(events: readonly Record<string, unknown>[], relaysUsage = false) {
  const reader = createChatReader(relaysUsage)
  const relayed = events.map((event) => reader.add(event)).filter((one) => one !== null)
  return { reader, relayed }
}

/** Splits a text at any places. */
const cutText = fc
  .tuple(fc.string(), fc.array(fc.nat(40)))
  .map(([text, cuts]) => ({
    text,
    at: [0, ...cuts.map((c) => c % (text.length + 1)), text.length],
  }))
  .map(({ text, at }) => {
    const sorted = at.sort((a, b) => a - b)
    return { text, parts: sorted.slice(1).map((end, i) => text.slice(sorted[i], end)) }
  })

describe('a chat stream', () => {
  test('however it is cut up, it becomes the same answer', () => {
    fc.assert(
      fc.property(cutText, cutText, ({ text, parts }, args) => {
        const call = {
          index: 0,
          id: 'call_1',
          type: 'function',
          function: { name: 'f', arguments: '' },
        }
        const { reader, relayed } = readAll([
          chunk({ role: 'assistant', content: '' }),
          ...parts.map((content) => chunk({ content })),
          chunk({ tool_calls: [call] }),
          ...args.parts.map((part) =>
            chunk({ tool_calls: [{ index: 0, function: { arguments: part } }] }),
          ),
          chunk({}, 'tool_calls'),
          { ...HEAD, choices: [], usage: USAGE },
        ])
        expect(reader.result()).toEqual({
          ...HEAD,
          object: 'chat.completion',
          choices: [
            {
              index: 0,
              finish_reason: 'tool_calls',
              logprobs: null,
              message: {
                role: 'assistant',
                content: text,
                refusal: null,
                tool_calls: [
                  { id: 'call_1', type: 'function', function: { name: 'f', arguments: args.text } },
                ],
              },
            },
          ],
          usage: USAGE,
        })
        expect(relayed.map((one) => one.text).join('')).toBe(text)
        expect(reader.output).toBe(text + args.text)
      }),
    )
  })

  test('choices, tools and fields nobody knows are kept apart and kept', () => {
    const tool = (index: number, part: string) => ({
      tool_calls: [{ index, function: { arguments: part } }],
    })
    const { reader } = readAll([
      chunk({ content: 'a', reasoning_content: 'hm' }),
      chunk({ refusal: 'no' }, 'stop', 1),
      chunk({ ...tool(1, 'x'), reasoning_content: ' hm' }),
      chunk(tool(0, 'y')),
      chunk(tool(1, 'z'), 'stop'),
      { ...HEAD, choices: [], usage: USAGE, citations: ['u'] },
    ])
    expect(reader.result()).toMatchObject({
      citations: ['u'],
      choices: [
        {
          index: 0,
          message: {
            content: 'a',
            reasoning_content: 'hm hm',
            tool_calls: [{ function: { arguments: 'xz' } }, { function: { arguments: 'y' } }],
          },
        },
        { index: 1, message: { content: null, refusal: 'no' } },
      ],
    })
  })

  test('the usage chunk reaches only a caller that asked for it', () => {
    const events = [chunk({ content: 'a' }, 'stop'), { ...HEAD, choices: [], usage: USAGE }]
    expect(readAll(events).relayed).toHaveLength(1)
    expect(readAll(events, true).relayed).toHaveLength(2)
  })

  test('without its end it is no answer', () => {
    expect(readAll([chunk({ content: 'a' })]).reader.result()).toBeNull()
    expect(readAll([]).reader.result()).toBeNull()
  })

  test('a server that writes fields in its own way loses neither its answer nor its usage', () => {
    const { reader } = readAll([
      { ...HEAD, model: null, choices: [{ delta: { content: 'a' }, logprobs: 'none' }] },
      { ...HEAD, choices: [{ index: 0, delta: { content: ['b'] }, finish_reason: 3 }] },
      { ...HEAD, choices: 'odd', usage: USAGE },
    ])
    expect(reader.result()).toMatchObject({
      choices: [{ index: 0, message: { content: ['b'] } }],
      usage: USAGE,
    })
    expect(reader.text).toBe('a')
  })

  test('a field named __proto__ changes no prototype', () => {
    const { reader } = readAll([chunk(JSON.parse('{"__proto__":{"polluted":true}}'), 'stop')])
    expect(reader.result()).not.toBeNull()
    expect(Object.getOwnPropertyDescriptor(Object.prototype, 'polluted')).toBeUndefined()
  })
})

describe('a Responses stream', () => {
  test('ends with the response that its last event carries', () => {
    const reader = createResponsesReader()
    reader.add({ type: 'response.created', response: { status: 'in_progress' } })
    expect(reader.result()).toBeNull()
    expect(reader.add({ type: 'response.output_text.delta', delta: 'hi' })?.text).toBe('hi')
    reader.add({ type: 'response.function_call_arguments.delta', delta: '{}' })
    reader.add({ type: 'response.incomplete', response: { status: 'incomplete', x: 1 } })
    expect(reader.result()).toEqual({ status: 'incomplete', x: 1 })
    expect([reader.text, reader.output]).toEqual(['hi', 'hi{}'])
  })
})
