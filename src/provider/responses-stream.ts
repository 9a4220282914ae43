import { z } from 'zod'
import type { Json } from './answer.ts'
import type { StreamReader } from './stream-reader.ts'

const Event = z.looseObject({
  type: z.string(),
  delta: z.unknown().optional(),
  response: z.unknown().optional(),
})

const TEXT = 'response.output_text.delta'
/** Deltas that are billed as output, beside the text. */
const OUTPUT = new Set([
  TEXT,
  'response.refusal.delta',
  'response.function_call_arguments.delta',
  'response.reasoning_text.delta',
])
const ENDS = new Set(['response.completed', 'response.incomplete', 'response.failed'])

const Failure = z.object({ type: z.literal('error'), message: z.string() })

const Final = z.record(z.string(), z.unknown())

/** Follows a Responses stream; its last event carries the whole response. */
export function createResponsesReader(): StreamReader {
  let text = ''
  let output = ''
  let final: Json | null = null
  let failure: string | null = null
  return {
    get failure() {
      return failure
    },
    get text() {
      return text
    },
    get output() {
      return output
    },
    add(event) {
      const { type, delta, response } = Event.safeParse(event).data ?? { type: '' }
      const piece = typeof delta === 'string' ? delta : ''
      const visible = type === TEXT ? piece : ''
      text += visible
      if (OUTPUT.has(type)) output += piece
      if (ENDS.has(type)) final = Final.safeParse(response).data ?? null
      if (type === 'error') failure = Failure.safeParse(event).data?.message ?? 'no message'
      return { data: event, text: visible }
    },
    result: () => final,
  }
}
