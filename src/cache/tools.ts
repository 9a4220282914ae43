import type { GovernedRequest } from '../admission/plan-types.ts'
import { field } from './question.ts'

/** What a request hands the model to act with. */
export type ToolsOffered =
  /** None that it may use, or only such as work something out. */
  | 'none'
  /** A function that may change something. */
  | 'acting'
  /** One of the provider's own: it looks at the world as it is now, or acts in it. */
  | 'built-in'

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** The name of an app's own tool, in the words of each API; undefined = it is the provider's. */
function ownName(tool: unknown): unknown {
  const type = field(tool, 'type')
  if (type !== 'function' && type !== 'custom') return undefined
  return field(field(tool, type), 'name') ?? field(tool, 'name') ?? ''
}

/** @param pure - names of functions that change nothing, and answer equal questions equally. */
export function toolsOffered({ body }: GovernedRequest, pure: readonly string[]): ToolsOffered {
  const tools = listOf(body.tools)
  if (body.web_search_options) return 'built-in'
  // It may read them, and call none.
  if (body.tool_choice === 'none') return 'none'
  const functions = listOf(body.functions).map((one) => field(one, 'name') ?? '')
  const names = [...tools.map(ownName), ...functions]
  if (names.includes(undefined)) return 'built-in'
  return names.every((name) => typeof name === 'string' && pure.includes(name)) ? 'none' : 'acting'
}
