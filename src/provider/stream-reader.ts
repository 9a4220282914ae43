import type { Json } from './answer.ts'
import type { StreamChunk } from './types.ts'

/** Follows one stream to its end and puts the answer together. */
export interface StreamReader {
  /** @returns what the caller sees of this event; null when it is not for the caller. */
  add(event: Json): StreamChunk | null
  /** Visible text so far. */
  readonly text: string
  /** All output so far that counts as tokens: text, refusals, thoughts, arguments of tools. */
  readonly output: string
  /** What an error event inside the stream said; null when there was none. */
  readonly failure: string | null
  /** The answer as a call without streaming returns it; null before the end of the stream was seen. */
  result(): Json | null
}
