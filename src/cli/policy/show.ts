import { stringify } from 'yaml'
import type { AppliedPolicy } from '../../admin/policy/apply.ts'
import type { ForeseenPolicy } from '../../admin/policy/diff.ts'
import type { OverAtOnce } from '../../admin/policy/over-at-once.ts'
import type { ShownPolicy } from '../../admin/policy/show.ts'
import type { JudgedPolicy } from '../../admin/policy/validate.ts'
import { formatUsd } from '../../money/usd.ts'
import type { Output } from '../output.ts'
import { printable } from '../report/printable.ts'

/** Prints the policy as Bursar understands it: YAML on stdout, what it is on stderr. */
export function showPolicy({ version, origin, since, policy }: ShownPolicy, output: Output): void {
  output.note(`version ${version}, ${ORIGIN[origin]}, since ${since}`)
  output.line(stringify(policy).trimEnd())
}

const ORIGIN = { file: 'from a file', applied: 'applied by an operator' } as const

export function showJudged({ ok, problems, warnings }: JudgedPolicy, output: Output): void {
  for (const warning of warnings) output.note(`warning: ${warning}`)
  if (ok) output.line('the policy is well: bursar policy diff shows what it would change')
  for (const { line, column, path, message } of problems) {
    output.line(`${line}:${column} ${path === '' ? '' : `${path}: `}${message}`)
  }
}

export function showDifference(difference: ForeseenPolicy, output: Output): void {
  const { from, changes, touches, over } = difference
  if (changes.length === 0) {
    output.line(`nothing: version ${from} says the same`)
    return
  }
  output.table(
    ['', 'WHAT', 'BEFORE', 'AFTER'],
    changes.map(({ path, change, before, after }) => [
      SIGNS[change],
      printable(path, 60),
      cell(before),
      cell(after),
    ]),
  )
  for (const [what, names] of Object.entries(touches)) {
    if (names.length > 0) output.note(`${what}: ${namesOf(what, names)}`)
  }
  showOver(over, output)
  output.note(`apply it: bursar policy apply --after ${from} --reason "..."`)
}

function showOver(over: OverAtOnce | null, output: Output): void {
  if (over === null) output.note('over at once: not known, the slot cannot be reached')
  if (over === null || over.total === 0) return
  output.line()
  output.table(
    ['OVER AT ONCE', 'WINDOW', 'USED USD', 'LIMIT USD', 'WOULD BE'],
    over.windows.map(({ budget, window, usedNano, limitNano, wouldBeNano }) => [
      ...[printable(budget, 60), window],
      ...[usedNano, limitNano, wouldBeNano].map(formatUsd),
    ]),
  )
  const more = over.total - over.windows.length
  if (more > 0) output.note(`and ${more} more`)
  output.note(
    'what they hold stays booked; nothing new fits into them until they roll or are raised',
  )
}

export function showApplied({ version, changes }: AppliedPolicy, output: Output): void {
  if (changes.length === 0) {
    output.line(`nothing changed: version ${version} is in force`)
    return
  }
  output.line(`version ${version} is in force, ${changes.length} values are other than before`)
  output.note('every process knows within seconds; it stays until a policy file is changed')
}

const SIGNS = { added: '+', removed: '-', changed: '~' } as const

const namesOf = (what: string, names: readonly string[]): string =>
  what === 'tenants' && names.includes('*')
    ? 'all'
    : names.map((name) => printable(name)).join(', ')

const cell = (value: unknown): string =>
  value === undefined ? '-' : printable(JSON.stringify(value), 40)
