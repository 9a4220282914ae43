import type { Environment } from './options.ts'
import type { PolicyPath } from './policy-errors.ts'

// `{` and `}` end a plain text inside `{ ... }` of YAML, so `${NAME}` is hidden behind two characters of the same
// length while the document is read: positions stay, and no value of a variable is ever read as YAML.
const OPEN = '\uF8F0'
const CLOSE = '\uF8F1'

/** True when a text already holds the characters that stand for the braces. */
export const hasReserved = (text: string): boolean => text.includes(OPEN) || text.includes(CLOSE)

/** Hides the braces of `${NAME}` and `${NAME:-default}` from the YAML reader. Length and lines stay. */
export const hideVariables = (text: string): string =>
  text.replace(/\$\{([^{}\r\n]*)\}/g, `$$${OPEN}$1${CLOSE}`)

/** Shows hidden braces again. */
export const showVariables = (text: string): string =>
  text.replaceAll(OPEN, '{').replaceAll(CLOSE, '}')

const VARIABLE = new RegExp(`\\$${OPEN}([^${CLOSE}]*)${CLOSE}`, 'g')
const NAME_AND_DEFAULT = /^([A-Za-z_]\w*)(?::-(.*))?$/

/** A variable that stands in the policy and has no value. */
export interface UnsetVariable {
  readonly path: PolicyPath
  readonly name: string
  /** False when the text between the braces is no name at all. */
  readonly named: boolean
}

/**
 * Fills in the variables of a document.
 * @param value - plain JSON with hidden braces.
 * @returns the same shape with values in place, '' for a missing one, and the missing ones. Empty counts as missing.
 */
export function fillVariables(
  value: unknown,
  env: Environment,
): { readonly value: unknown; readonly unset: readonly UnsetVariable[] } {
  const unset: UnsetVariable[] = []
  const fill = (text: string, path: PolicyPath): string =>
    showVariables(
      text.replace(VARIABLE, (_, inside: string) => {
        const [, name, fallback] = NAME_AND_DEFAULT.exec(inside) ?? []
        const known = name === undefined ? undefined : env[name] || fallback
        if (known === undefined) unset.push({ path, name: inside, named: name !== undefined })
        return known ?? ''
      }),
    )
  return { value: mapStrings(value, fill), unset }
}

/** Applies a function to every string value of plain JSON; keys are only shown. */
export function mapStrings(
  value: unknown,
  change: (text: string, path: PolicyPath) => string,
  path: PolicyPath = [],
): unknown {
  if (typeof value === 'string') return change(value, path)
  if (Array.isArray(value)) return value.map((item, i) => mapStrings(item, change, [...path, i]))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      showVariables(key),
      mapStrings(item, change, [...path, key]),
    ]),
  )
}
