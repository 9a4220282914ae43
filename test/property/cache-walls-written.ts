import fc from 'fast-check'
import { judgeCache } from '../../src/cache/rules.ts'
import { readRequest } from '../../src/queue/request.ts'
import { policyWith } from '../unit/cache-requests.ts'

/** What somebody asks, before anybody writes it down. */
export interface Asked {
  readonly tenant: string
  readonly user: string
  readonly private: boolean
  readonly model: string
  readonly system: string
  readonly turns: readonly string[]
  readonly tools: readonly string[]
  /** Parameters of the API, and fields that nobody knows. */
  readonly fields: Readonly<Record<string, unknown>>
}

const TOOLS = ['sum', 'mean']
const policy = policyWith(`{ responses: { skip_when: [], pure_tools: [${TOOLS.join(', ')}] } }`)

const text = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'A',
    'a ',
    ' a',
    'ä',
    'a\u0308',
    '\u0000',
    '\n',
    '"',
    '\\u0061',
    '日本😀',
  ),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
)
const who = fc.constantFrom('a', 'b', 'a.b', 'shared', '{}')
const fields = fc.record(
  {
    temperature: fc.constantFrom(0, 0.2, 0.9),
    top_p: fc.constantFrom(0.1, 0.9),
    seed: fc.nat(3),
    max_completion_tokens: fc.integer({ min: 300, max: 302 }),
    stop: fc.constantFrom('a', ['a'], ['a', 'b'], ['b', 'a']),
    response_format: fc.constantFrom({ type: 'json_object' }),
    reasoning_effort: fc.constantFrom('low', 'high'),
    unheard_of: fc.oneof(fc.boolean(), fc.nat(2), text, fc.constant({ a: [{}] })),
  },
  { requiredKeys: [] },
)

export const asked: fc.Arbitrary<Asked> = fc.record({
  tenant: who,
  user: who,
  private: fc.boolean(),
  model: fc.constantFrom('auto', 'gpt-6-luna'),
  system: text,
  turns: fc.array(text, { minLength: 1, maxLength: 4 }),
  tools: fc.subarray(TOOLS),
  fields,
})

type Change = (one: Asked, other: Asked) => Asked

const PARTS = ['tenant', 'user', 'private', 'model', 'system', 'turns', 'tools'] as const
const FIELDS = [
  ...['temperature', 'top_p', 'seed', 'max_completion_tokens', 'stop'],
  ...['response_format', 'reasoning_effort', 'unheard_of'],
]
const CHANGES: readonly Change[] = [
  ...PARTS.map(
    (part): Change =>
      (one, other) => ({ ...one, [part]: other[part] }),
  ),
  ...FIELDS.map(
    (name): Change =>
      (one, other) => {
        const { [name]: _, ...rest } = one.fields
        const changed = name in other.fields ? { ...rest, [name]: other.fields[name] } : rest
        return { ...one, fields: changed }
      },
  ),
  (one, other) => ({ ...one, turns: [...one.turns.slice(0, -1), other.turns[0] ?? ''] }),
  (one, other) => ({ ...one, turns: [other.turns[0] ?? '', ...one.turns.slice(1)] }),
]

/** Two that differ in one thing at most, more often than chance has it. */
export const askedTwice: fc.Arbitrary<readonly [Asked, Asked]> = fc
  .tuple(asked, asked, fc.option(fc.constantFrom(...CHANGES)))
  .map(([one, other, change]) => [one, change ? change(one, other) : other])

/** All that the walls are made of. The user is one of them only when the answer is private. */
export const wallsOf = (one: Asked): string =>
  JSON.stringify([
    one.tenant,
    one.private ? one.user : null,
    one.private,
    one.model,
    one.system,
    one.turns,
    one.tools,
    Object.entries(one.fields).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ])

const SAME_AS_LEFT_OUT: readonly (readonly [string, unknown])[] = [
  ['n', 1],
  ['logprobs', false],
  ['presence_penalty', 0],
  ['frequency_penalty', 0],
  ['parallel_tool_calls', true],
  ['tool_choice', 'auto'],
  ['functions', []],
  ['modalities', ['text']],
  ['logit_bias', null],
  ['temperature', 1],
  ['top_p', 1],
  ['response_format', { type: 'text' }],
  ['metadata', { trace: 'x' }],
  ['store', true],
  ['service_tier', 'flex'],
  ['prompt_cache_key', 'k'],
  ['safety_identifier', 's'],
]

/** Writes a request as JSON: with another order of keys, other blanks, escapes and spelt-out defaults by each seed. */
export function written(one: Asked, seed: number): string {
  const chance = draws(seed)
  const { system, turns, tools, fields: given, private: isPrivate, ...own } = one
  const messages = [
    { role: 'system', content: system },
    ...turns.map((content, at) => ({ role: at % 2 ? 'assistant' : 'user', content })),
  ]
  const entries: (readonly [string, unknown])[] = [
    ...Object.entries({ ...own, messages }),
    ...Object.entries(given).map(([name, value]): readonly [string, unknown] =>
      name === 'max_completion_tokens' && chance() < 0.5 ? ['max_tokens', value] : [name, value],
    ),
    ...SAME_AS_LEFT_OUT.filter(([name]) => !(name in given) && chance() < 0.4),
  ]
  if (isPrivate) entries.push(chance() < 0.5 ? ['private', true] : ['cache', { share: 'user' }])
  if (tools.length > 0 || chance() < 0.5) {
    const made = tools.map((name) => ({ type: 'function', function: { name, parameters: {} } }))
    entries.push(['tools', made])
  }
  return json(Object.fromEntries(entries), chance)
}

function json(value: unknown, chance: () => number): string {
  const blank = () => (chance() < 0.2 ? ' \n\t'.repeat(Math.ceil(chance() * 2)) : '')
  const list = (parts: readonly string[], [open, close]: readonly [string, string]) =>
    `${open}${blank()}${parts.join(`${blank()},${blank()}`)}${blank()}${close}`
  if (Array.isArray(value))
    return list(
      value.map((part) => json(part, chance)),
      ['[', ']'],
    )
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
      .map((entry) => ({ entry, at: chance() }))
      .toSorted((a, b) => a.at - b.at)
    const parts = entries.map(
      ({ entry: [name, inner] }) =>
        `${quoted(name, chance)}${blank()}:${blank()}${json(inner, chance)}`,
    )
    return list(parts, ['{', '}'])
  }
  return typeof value === 'string' ? quoted(value, chance) : JSON.stringify(value)
}

/** Some characters as `\uXXXX`, as any writer of JSON may. */
const quoted = (value: string, chance: () => number): string =>
  `"${Array.from({ length: value.length }, (_, at) => {
    const unit = value.charCodeAt(at)
    const escaped = `\\u${unit.toString(16).padStart(4, '0')}`
    const isHalf = unit >= 0xd800 && unit <= 0xdfff
    return isHalf || chance() < 0.3 ? escaped : JSON.stringify(value[at]).slice(1, -1)
  }).join('')}"`

function draws(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return (state >>> 8) / 2 ** 24
  }
}

/** The key of a request as it came over the wire. @throws {Error} when it is not cached at all. */
export function keyOfWritten(text: string): string {
  const { request, options } = readRequest(JSON.parse(text), policy, 0)
  const verdict = judgeCache(request, options.cache, policy)
  if (verdict.key === null) throw new Error(`not cached: ${verdict.why}`)
  return verdict.key
}
