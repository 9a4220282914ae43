import { z } from 'zod'
import type { Answer } from './answer.ts'

const Schema = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  enum: z.array(z.unknown()).min(1).optional(),
  const: z.unknown().optional(),
})

const Format = z.union([
  z.object({ type: z.literal('json_schema'), json_schema: z.object({ schema: z.unknown() }) }),
  z.object({ type: z.literal('json_schema'), schema: z.unknown() }),
])

/**
 * Writes an answer as the JSON that a format asks for, its text in every string; one that was cut stays as it is.
 * @param format - `response_format` of a chat, or `text.format` of a response; anything else leaves the text alone.
 */
export function inFormat(format: unknown, answer: Answer): Answer {
  const asked = Format.safeParse(format).data
  if (!asked || answer.cut) return answer
  const schema = 'json_schema' in asked ? asked.json_schema.schema : asked.schema
  return { ...answer, text: JSON.stringify(fill(schema, answer.text)) }
}

function fill(raw: unknown, text: string): unknown {
  const { type, properties, items, ...rest } = Schema.safeParse(raw).data ?? {}
  if (rest.enum) return rest.enum[0]
  if (rest.const !== undefined) return rest.const
  switch (Array.isArray(type) ? type[0] : type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(properties ?? {}).map(([name, one]) => [name, fill(one, text)]),
      )
    case 'array':
      return [fill(items, text)]
    case 'number':
    case 'integer':
      return 1
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return text
  }
}
