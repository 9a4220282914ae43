import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml'
import { messageOf } from '../errors.ts'
import type { Environment } from './options.ts'
import { invalidPolicy, type PolicyPath, type PolicyProblem, pathText } from './policy-errors.ts'
import {
  fillVariables,
  hasReserved,
  hideVariables,
  mapStrings,
  showVariables,
  type UnsetVariable,
} from './policy-variables.ts'

const MAX_BYTES = 1_048_576
const MAX_ALIASES = 100
// A mistake at the top of a flow collection repeats itself to the end of the file.
const MAX_SYNTAX_PROBLEMS = 10

/** A policy file as read, before anything in it is judged. */
export interface PolicyDocument {
  readonly file: string
  /** Plain JSON, variables filled in. */
  readonly value: unknown
  /** The same with `${NAME}` as written. */
  readonly written: unknown
  readonly unset: readonly UnsetVariable[]
  /** Where a path stands; of a path that is missing, the nearest parent that is there. */
  problem(path: PolicyPath, message: string, at?: 'key' | 'value'): PolicyProblem
}

/**
 * Reads YAML text: one document, no duplicate keys, few aliases.
 * @param file - name shown in errors.
 * @throws {BursarError} INVALID_POLICY listing every syntax mistake with its place.
 */
export function readDocument(text: string, file: string, env: Environment): PolicyDocument {
  refuseAtStart(text, file)
  const lines = new LineCounter()
  const document = parseDocument(hideVariables(text), {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    logLevel: 'silent',
  })
  const at = (offset: number, path: PolicyPath, message: string): PolicyProblem => {
    const { line, col } = lines.linePos(offset)
    return { file, line, column: col, path: pathText(path), message: showVariables(message) }
  }
  const broken = [...document.errors, ...document.warnings]
    .slice(0, MAX_SYNTAX_PROBLEMS)
    .map((error) => at(error.pos[0], [], `${error.message}; mend the YAML here`))
  if (broken.length > 0) throw invalidPolicy(file, broken)
  const raw = toPlain(document, (message) => invalidPolicy(file, [at(0, [], message)]))
  return {
    file,
    written: mapStrings(raw, showVariables),
    ...fillVariables(raw, env),
    problem: (path, message, where = 'value') => at(offsetOf(document, path, where), path, message),
  }
}

function refuseAtStart(text: string, file: string): void {
  const refuse = (message: string): never => {
    throw invalidPolicy(file, [{ file, line: 1, column: 1, path: '', message }])
  }
  if (Buffer.byteLength(text) > MAX_BYTES) refuse('is above 1 MiB; split what does not belong here')
  if (hasReserved(text)) refuse('holds U+F8F0 or U+F8F1, which stand for nothing; remove them')
}

function toPlain(document: Document.Parsed, invalid: (message: string) => Error): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES })
  } catch (error) {
    throw invalid(`${messageOf(error)}; write repeated parts out instead of *aliases`)
  }
}

/** Offset in characters of the deepest part of the path that exists. */
function offsetOf(document: Document.Parsed, path: PolicyPath, at: 'key' | 'value'): number {
  let node: Node | null = document.contents
  let offset = node?.range?.[0] ?? 0
  for (const [depth, part] of path.entries()) {
    const container: Node | undefined = isAlias(node) ? node.resolve(document) : (node ?? undefined)
    const step = stepInto(container, part)
    if (!step) break
    const last = depth === path.length - 1
    offset = (last && at === 'key' ? step.keyOffset : step.valueOffset) ?? step.keyOffset ?? offset
    node = step.value
  }
  return offset
}

interface Step {
  readonly value: Node | null
  readonly keyOffset: number | undefined
  readonly valueOffset: number | undefined
}

function stepInto(container: Node | undefined, part: string | number): Step | undefined {
  if (isSeq(container) && typeof part === 'number') {
    const item = container.items[part]
    if (!isNode(item)) return undefined
    return { value: item, keyOffset: item.range?.[0], valueOffset: item.range?.[0] }
  }
  if (!isMap(container)) return undefined
  const pair = container.items.find(
    ({ key }) => isScalar(key) && showVariables(String(key.value)) === String(part),
  )
  if (!pair) return undefined
  const value = isNode(pair.value) ? pair.value : null
  const keyOffset = isScalar(pair.key) ? pair.key.range?.[0] : undefined
  // An empty value has its place after the line: its name says more.
  const empty = isScalar(value) && value.value === null
  return { value, keyOffset, valueOffset: empty ? keyOffset : value?.range?.[0] }
}
