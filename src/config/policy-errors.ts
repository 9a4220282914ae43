import { BursarError } from '../errors.ts'

/** Keys and indexes from the root of the policy. */
export type PolicyPath = readonly (string | number)[]

/** One mistake in a policy file, and how to mend it. */
export interface PolicyProblem {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
  /** e.g. `budgets[0].usd`; '' = the file as a whole. */
  readonly path: string
  /** What is wrong; what to write instead. */
  readonly message: string
}

/** Takes a mistake; `key` points at the name rather than at its value. */
export type Report = (path: PolicyPath, message: string, at?: 'key' | 'value') => void

/** Writes a path as a person would: `budgets[0].usd`. */
export const pathText = (path: PolicyPath): string =>
  path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '')

/** All mistakes of one file as one INVALID_POLICY error; `detail.problems` lists them in the file's order. */
export function invalidPolicy(file: string, found: readonly PolicyProblem[]): BursarError {
  const problems = found.toSorted((a, b) => a.line - b.line || a.column - b.column)
  const lines = problems.map(
    ({ line, column, path, message }) =>
      `  ${file}:${line}:${column} ${path === '' ? '' : `${path}: `}${message}`,
  )
  const count = problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`
  return new BursarError('INVALID_POLICY', `${file} has ${count}:\n${lines.join('\n')}`, {
    detail: { problems },
  })
}

/**
 * Ends a message about a name that is not known.
 * @returns `did you mean "ladder"?`, or what may stand here when nothing is near.
 */
export function suggest(name: string, known: readonly string[], things = 'known here'): string {
  const near = nearest(name, known)
  if (near !== undefined) return `did you mean "${near}"?`
  return known.length === 0 ? `none is ${things}` : `${things}: ${known.slice(0, 20).join(', ')}`
}

/** The known name that a typing mistake may have turned into `name`. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const far = Math.max(2, Math.floor(name.length / 3))
  const ranked = known
    .map((candidate) => ({
      candidate,
      steps: editDistance(name.toLowerCase(), candidate.toLowerCase()),
    }))
    .filter(({ steps, candidate }) => steps <= far && steps < candidate.length)
    .toSorted((a, b) => a.steps - b.steps)
  return ranked[0]?.candidate
}

/** Letters to add, drop or change, at most 64 letters of each. */
function editDistance(left: string, right: string): number {
  const a = left.slice(0, 64)
  const b = right.slice(0, 64)
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
