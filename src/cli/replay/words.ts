import { createDraw, type Draw, drawInt } from '../traffic/draw.ts'

/** Each is one token of o200k and cl100k with a blank before it (held by a test). */
export const WORDS: readonly string[] = [
  ...['about', 'after', 'again', 'answer', 'apple', 'around', 'basic', 'before', 'begin', 'below'],
  ...[
    'better',
    'between',
    'board',
    'book',
    'build',
    'business',
    'call',
    'center',
    'change',
    'city',
  ],
  ...[
    'class',
    'clear',
    'close',
    'color',
    'common',
    'company',
    'could',
    'count',
    'country',
    'course',
  ],
  ...[
    'create',
    'daily',
    'data',
    'different',
    'direct',
    'early',
    'energy',
    'enough',
    'every',
    'example',
  ],
  ...[
    'family',
    'field',
    'figure',
    'final',
    'first',
    'follow',
    'force',
    'form',
    'friend',
    'general',
  ],
  ...['great', 'green', 'group', 'hand', 'heart', 'high', 'history', 'house', 'human', 'idea'],
  ...['image', 'inside', 'keep', 'kind', 'large', 'later', 'learn', 'level', 'light', 'line'],
  ...[
    'little',
    'local',
    'machine',
    'matter',
    'measure',
    'minute',
    'model',
    'money',
    'morning',
    'music',
  ],
  ...['name', 'nature', 'never', 'night', 'number', 'often', 'open', 'order', 'paper', 'part'],
  ...[
    'people',
    'place',
    'plan',
    'point',
    'power',
    'question',
    'reason',
    'result',
    'river',
    'story',
  ],
]

const RING_WORDS = 8_192

interface Ring {
  readonly text: string
  /** Where the n-th word begins, its blank included. */
  readonly starts: readonly number[]
}

let ring: Ring | undefined

function makeRing(): Ring {
  const draw = createDraw(1)
  const starts: number[] = []
  let text = ''
  for (let at = 0; at < RING_WORDS; at++) {
    starts.push(text.length)
    text += ` ${WORDS[drawInt(draw, WORDS.length)] ?? ''}`
  }
  return { text, starts }
}

/** A text of `count` words, one token each, cut from a ring at a place that is drawn. */
export function drawWords(draw: Draw, count: number): string {
  ring ??= makeRing()
  const { text, starts } = ring
  let from = drawInt(draw, RING_WORDS)
  let left = count
  let words = ''
  while (left > 0) {
    const taken = Math.min(left, RING_WORDS - from)
    words += text.slice(starts[from], starts[from + taken] ?? text.length)
    left -= taken
    from = 0
  }
  return words.trimStart()
}
