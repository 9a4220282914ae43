import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSseParser, type SseEvent } from '../../src/client/http/sse-parser.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

/** Parses a stream that is cut before each of these bytes. */
function parseCut(stream: Uint8Array, cuts: readonly number[]): SseEvent[] {
  const parse = createSseParser()
  const ends = [...cuts, stream.length].toSorted((a, b) => a - b)
  return ends.flatMap((end, at) => parse(stream.subarray(ends[at - 1] ?? 0, end)))
}

const line = fc
  .string({ unit: fc.constantFrom('a', ':', ' ', '"', '\u00e9', '\u20ac', '\u{1f600}', '{', '}') })
  .map((text) => text.trimStart())
const lineEnd = fc.constantFrom('\n', '\r\n', '\r')
const event = fc.record({
  event: fc.constantFrom('job', 'part', 'answer'),
  lines: fc.array(line, { minLength: 1, maxLength: 3 }),
  end: lineEnd,
  comment: fc.option(line),
})

test('events are the same wherever the stream is cut, whatever ends its lines', () => {
  const law = fc.property(
    fc.array(event),
    fc.array(fc.nat(400)),
    fc.boolean(),
    (events, cuts, mark) => {
      const written = events.map(({ event, lines, end, comment }) =>
        [
          ...(comment === null ? [] : [`: ${comment}`]),
          `event: ${event}`,
          ...lines.map((text) => `data: ${text}`),
          '',
          '',
        ].join(end),
      )
      // A last comment, so that no \r stays at the very end, where it may be half of \r\n.
      const stream = bytes(`${mark ? '\ufeff' : ''}${written.join('')}: end\n`)
      const inside = cuts.filter((cut) => cut < stream.length)
      expect(parseCut(stream, inside)).toEqual(
        events.map(({ event, lines }) => ({ event, data: lines.join('\n') })),
      )
    },
  )
  fc.assert(law, { numRuns: 300 })
})

test('an event that has no name is a message, one without data is none, and a cut one never was', () => {
  const parse = createSseParser()
  expect(parse(bytes('data:x\n\nevent: lost\n\nid: 7\ndata\n\nevent: cut\ndata: half'))).toEqual([
    { event: 'message', data: 'x' },
    { event: 'message', data: '' },
  ])
})

test('a \\r at the end of a chunk may be half of a line end', () => {
  const parse = createSseParser()
  expect(parse(bytes('data: x\r'))).toEqual([])
  expect(parse(bytes('\n\r'))).toEqual([])
  expect(parse(bytes('\ndata: y\r\n\r\n'))).toEqual([
    { event: 'message', data: 'x' },
    { event: 'message', data: 'y' },
  ])
})
