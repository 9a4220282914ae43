import { z } from 'zod'
import { EFFORTS } from './answer.ts'
import { ApiError } from './http.ts'
import { MODELS, type Model, type Tier } from './prices.ts'
import { tokensOf } from './tokens.ts'

const text = z.string()
export const count = z.int().min(1).nullish()

/** Fields that chat completions and responses share. */
export const common = {
  model: text,
  stream: z.boolean().nullish(),
  service_tier: z.enum(['auto', 'default', 'flex', 'priority']).nullish(),
  metadata: z.record(text, text).nullish(),
}
export const effort = z.enum(EFFORTS).nullish()

const Forced = z.coerce.number().int().min(0).max(1_000_000)

/** @throws {ApiError} 400 with the first field that is wrong. */
export function check<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const param = issue?.path.join('.') ?? ''
  throw new ApiError(400, `Invalid value for '${param}': ${issue?.message}`, {
    param,
    code: 'invalid_value',
  })
}

/** @throws {ApiError} 404 for a name without a price, 400 for one of the other kind. */
export function modelOf(name: string, kind: Model['kind']): Model {
  const model = MODELS.get(name)
  if (!model)
    throw new ApiError(404, `The model '${name}' does not exist or you do not have access to it.`, {
      code: 'model_not_found',
      param: 'model',
    })
  if (model.kind !== kind)
    throw new ApiError(400, `The model '${name}' is no ${kind} model.`, { param: 'model' })
  return model
}

export const tierOf = (asked: string | null | undefined): Tier =>
  asked === 'flex' || asked === 'priority' ? asked : 'default'

/** `metadata.sandbox_output_tokens`: output tokens the answer shall have. */
export function forcedOutput(metadata: Readonly<Record<string, string>> | null | undefined) {
  const wanted = metadata?.sandbox_output_tokens
  if (wanted === undefined) return null
  const parsed = Forced.safeParse(wanted)
  if (parsed.success) return parsed.data
  throw new ApiError(400, `metadata.sandbox_output_tokens must be a whole number, not "${wanted}".`)
}

/** Tokens around each message, and those that open the reply: OpenAI's cookbook, "How to count tokens with tiktoken". */
export const MESSAGE_TOKENS = 3
export const REPLY_TOKENS = 3

const IMAGE_TOKENS = { low: 85, other: 765 }
const CHARS_PER_OPAQUE_TOKEN = 4

const Part = z.looseObject({
  type: text.optional(),
  text: text.optional(),
  detail: text.optional(),
})

/** Tokens of a message's content: a text, or a list of parts. */
export function contentTokens(content: unknown): number {
  if (typeof content === 'string') return tokensOf(content)
  if (!Array.isArray(content)) return 0
  return content.reduce((sum: number, part) => sum + partTokens(part), 0)
}

function partTokens(part: unknown): number {
  const parsed = Part.safeParse(part)
  if (!parsed.success) throw new ApiError(400, 'A content part must be an object with a type.')
  const { type, text: words } = parsed.data
  if (words !== undefined) return tokensOf(words)
  if (type === 'image_url' || type === 'input_image')
    return JSON.stringify(part).includes('"detail":"low"') ? IMAGE_TOKENS.low : IMAGE_TOKENS.other
  return Math.ceil(JSON.stringify(part).length / CHARS_PER_OPAQUE_TOKEN)
}

const Schema = z.looseObject({
  type: z.unknown().optional(),
  description: text.optional(),
  properties: z.record(text, z.unknown()).optional(),
  items: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
})

/** Tokens around functions, properties and enums, as the cookbook counts them for current models. */
const FUNCTION = { each: 7, properties: 3, property: 3, enum: -3, item: 3, end: 12 }

const FunctionTool = z.looseObject({
  name: text,
  description: text.optional(),
  parameters: z.unknown().optional(),
})
const Tool = z.union([
  z.looseObject({ function: FunctionTool }).transform((tool) => tool.function),
  FunctionTool,
])

/** Tokens of the tools offered; built-in tools without a name weigh nothing here. */
export function toolTokens(tools: readonly unknown[] | null | undefined): number {
  if (!tools || tools.length === 0) return 0
  return tools.reduce((sum: number, raw) => {
    const tool = Tool.safeParse(raw)
    if (!tool.success) return sum
    const { name, description = '', parameters } = tool.data
    return sum + FUNCTION.each + tokensOf(`${name}:${description}`) + schemaTokens(parameters)
  }, FUNCTION.end)
}

function schemaTokens(raw: unknown): number {
  const schema = Schema.safeParse(raw)
  if (!schema.success) return 0
  const { properties, items, enum: values } = schema.data
  const own = Object.entries(properties ?? {}).reduce(
    (sum, [name, value]) => sum + propertyTokens(name, value),
    properties ? FUNCTION.properties : 0,
  )
  const listed = (values ?? []).reduce(
    (sum: number, value) => sum + FUNCTION.item + tokensOf(String(value)),
    values ? FUNCTION.enum : 0,
  )
  return own + listed + (items === undefined ? 0 : schemaTokens(items))
}

function propertyTokens(name: string, raw: unknown): number {
  const { type, description = '' } = Schema.safeParse(raw).data ?? { type: '' }
  return FUNCTION.property + tokensOf(`${name}:${type}:${description}`) + schemaTokens(raw)
}
