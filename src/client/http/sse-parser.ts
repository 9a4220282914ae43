export interface SseEvent {
  /** `message` when the stream named none. */
  readonly event: string
  readonly data: string
}

const LINE_END = /\r\n|\r|\n/g

/**
 * Reads an event stream however it is cut into chunks. Comments and events without data are dropped, as the standard
 * says; so is an event that the end of the stream cut off.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export function createSseParser(): (chunk: Uint8Array) => SseEvent[] {
  // Drops a byte order mark, and keeps half a character for the next chunk.
  const decoder = new TextDecoder()
  let rest = ''
  let event = ''
  let data: string[] = []

  function take(line: string): SseEvent | null {
    if (line === '') return dispatch()
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') event = value
    if (field === 'data') data.push(value)
    return null
  }

  function dispatch(): SseEvent | null {
    const made = data.length > 0 ? { event: event || 'message', data: data.join('\n') } : null
    event = ''
    data = []
    return made
  }

  return (chunk) => {
    const added = decoder.decode(chunk, { stream: true })
    const { lines, left } = splitLines(rest, added)
    rest = left
    return lines.map(take).filter((made) => made !== null)
  }
}

/** @param rest - what had no end yet; only its last character may be half of one (`\r` before `\n`). */
function splitLines(rest: string, added: string): { lines: string[]; left: string } {
  const text = rest + added
  const lines: string[] = []
  let from = 0
  LINE_END.lastIndex = Math.max(rest.length - 1, 0)
  for (let end = LINE_END.exec(text); end !== null; end = LINE_END.exec(text)) {
    const [mark] = end
    // A \r at the very end may be the first half of \r\n.
    if (mark === '\r' && end.index === text.length - 1) break
    lines.push(text.slice(from, end.index))
    from = end.index + mark.length
  }
  return { lines, left: text.slice(from) }
}
