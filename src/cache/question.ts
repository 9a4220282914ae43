import type { GovernedRequest } from '../admission/plan-types.ts'

/**
 * What is asked, without what is told along: the text of the last thing that the user says.
 * @returns '' when the user says nothing in words.
 */
export function questionIn({ operation, body }: GovernedRequest): string {
  if (operation === 'embeddings') return ''
  const said = operation === 'responses' ? body.input : body.messages
  if (typeof said === 'string') return said
  if (!Array.isArray(said)) return ''
  const last: unknown = said.findLast((turn: unknown) => field(turn, 'role') === 'user')
  return textOf(field(last, 'content'))
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  const parts = content.map((part: unknown) => field(part, 'text'))
  return parts.filter((text) => typeof text === 'string').join('\n')
}

/** @returns undefined for anything without fields. */
export const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined
