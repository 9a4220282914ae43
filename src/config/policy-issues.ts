import { z } from 'zod'
import { type PolicyPath, type Report, suggest } from './policy-errors.ts'
import { PolicyFileSchema } from './policy-schema.ts'

type Issue = z.core.$ZodIssue

/**
 * Turns what the schema refused into words for a person.
 * @param value - the document that was judged, to show what stands there.
 */
export function reportIssues(issues: readonly Issue[], value: unknown, report: Report): void {
  const all = issues.flatMap((one) => unfold(one))
  const misnamed = new Set(
    all.flatMap((one) => (one.code === 'unrecognized_keys' ? [one.path.join()] : [])),
  )
  for (const issue of all) {
    const path = pathOf(issue)
    // A misspelt key makes its map incomplete too: told once.
    if (issue.code === 'custom' && misnamed.has(path.join())) continue
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(path)
      for (const key of issue.keys) {
        report([...path, key], `unknown key; ${suggest(key, known, 'known here')}`, 'key')
      }
    } else {
      report(
        path,
        wordsOf(issue, at(value, path), path),
        issue.code === 'invalid_key' ? 'key' : 'value',
      )
    }
  }
}

/** The value at a path of plain JSON; undefined when it is missing. */
export function at(value: unknown, path: PolicyPath): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, part)
        ? Reflect.get(inner, part)
        : undefined,
    value,
  )
}

const pathOf = (issue: Issue): PolicyPath =>
  issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))

/** A union that failed below its top is about the branch that came further. */
function unfold(issue: Issue): readonly Issue[] {
  if (issue.code !== 'invalid_union') return [issue]
  const deeper = issue.errors.find((branch) =>
    branch.every((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'),
  )
  if (!deeper) return [issue]
  return deeper.flatMap((inner) => unfold({ ...inner, path: [...issue.path, ...inner.path] }))
}

const NOUNS = new Map([
  ['string', 'text'],
  ['int', 'a whole number'],
  ['number', 'a number'],
  ['boolean', 'true or false'],
  ['array', 'a list [ ... ]'],
  ['object', 'a map { ... }'],
  ['record', 'a map { ... }'],
])

function wordsOf(issue: Issue, found: unknown, path: PolicyPath): string {
  // A sentence of our own, where the schema has one.
  const own = /^(Invalid|Too|Unrecognized)/.test(issue.message) ? undefined : issue.message
  if (found === undefined && issue.code !== 'custom') return `is missing; ${own ?? mendOf(issue)}`
  if (own !== undefined) return own
  switch (issue.code) {
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message
    case 'invalid_value':
      return `${shown(found, path)} is none of these; ${suggest(String(found), issue.values.map(String), 'write one of')}`
    default:
      return `${shown(found, path)} does not fit here; ${mendOf(issue)}`
  }
}

function mendOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `write ${NOUNS.get(issue.expected) ?? issue.expected}`
    case 'invalid_value':
      return `write one of ${issue.values.map(String).join(', ')}`
    case 'too_small':
      return `write ${issue.inclusive ? '' : 'more than '}${issue.minimum}${issue.inclusive ? ' or more' : ''}`
    case 'too_big':
      return `write ${issue.maximum} or less`
    default:
      return issue.message
  }
}

/** Never the value of a key: it may be a secret. */
function shown(found: unknown, path: PolicyPath): string {
  if (typeof found === 'object')
    return found === null ? 'nothing' : Array.isArray(found) ? 'a list' : 'a map'
  if (path.at(-1) === 'key') return `a ${typeof found}`
  const text = JSON.stringify(found)
  return text.length > 60 ? `${text.slice(0, 60)}..."` : text
}

/** Keys that the schema allows at a path, and below it; `*` stands for a name or an index. */
function keysAt(path: PolicyPath): readonly string[] {
  let nodes: readonly JsonSchema[] = [fileSchema()]
  for (const part of path) {
    nodes = nodes.flatMap((node) => {
      const child =
        typeof part === 'number'
          ? node.items
          : (node.properties?.[part] ?? node.additionalProperties)
      return child ? branches(child) : []
    })
  }
  return nodes.flatMap((node) => [
    ...Object.keys(node.properties ?? {}),
    ...(node.propertyNames?.enum ?? []),
  ])
}

/**
 * Lists every key of bursar.yaml, e.g. `budgets[].usd` and `tiers.*.ladder`.
 * @returns paths in the schema's order; maps and lists before what is in them.
 */
export function policyKeys(): readonly string[] {
  const walk = (node: JsonSchema, path: string): readonly string[] =>
    branches(node).flatMap((branch) => [
      ...Object.entries(branch.properties ?? {}).flatMap(([key, child]) => {
        const inner = path === '' ? key : `${path}.${key}`
        return [inner, ...walk(child, inner)]
      }),
      ...(branch.additionalProperties ? walk(branch.additionalProperties, `${path}.*`) : []),
      ...(branch.items ? walk(branch.items, `${path}[]`) : []),
    ])
  return [...new Set(walk(fileSchema(), ''))]
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>> | undefined
  readonly additionalProperties?: JsonSchema | false | undefined
  /** Of a map whose keys are a list of names. */
  readonly propertyNames?: { readonly enum?: readonly string[] | undefined } | undefined
  readonly items?: JsonSchema | undefined
  readonly anyOf?: readonly JsonSchema[] | undefined
}
const JsonSchemaShape: z.ZodType<JsonSchema> = z.lazy(() =>
  z.object({
    properties: z.record(z.string(), JsonSchemaShape).optional(),
    additionalProperties: z.union([JsonSchemaShape, z.literal(false)]).optional(),
    propertyNames: z.object({ enum: z.array(z.string()).optional() }).optional(),
    items: JsonSchemaShape.optional(),
    anyOf: z.array(JsonSchemaShape).optional(),
  }),
)

const branches = (node: JsonSchema): readonly JsonSchema[] =>
  node.anyOf ? node.anyOf.flatMap(branches) : [node]

// On the way of mistakes only, so it is not worth keeping.
const fileSchema = (): JsonSchema =>
  JsonSchemaShape.parse(z.toJSONSchema(PolicyFileSchema, { io: 'input', unrepresentable: 'any' }))
