import { messageOf } from '../../errors.ts'

/** `wrong` makes `bursar doctor` exit 1; `warn` does not. */
export type FindingState = 'ok' | 'warn' | 'wrong' | 'skipped'

/** One line of the doctor's table. */
export interface Finding {
  /** What was looked at, e.g. `redis eviction`. */
  readonly check: string
  readonly state: FindingState
  /** What was found, secrets masked. */
  readonly found: string
  /** What to do about it; '' when there is nothing to do. */
  readonly mend: string
}

export const ok = (check: string, found: string): Finding => ({
  check,
  state: 'ok',
  found,
  mend: '',
})
export const warn = (check: string, found: string, mend: string): Finding => ({
  check,
  state: 'warn',
  found,
  mend,
})
export const wrong = (check: string, found: string, mend: string): Finding => ({
  check,
  state: 'wrong',
  found,
  mend,
})
/** Not looked at, because something before it is wrong. */
export const skipped = (check: string, why: string): Finding => ({
  check,
  state: 'skipped',
  found: why,
  mend: '',
})

/** Our messages read `what happened: what to do`; a table has a column for each. */
export function wrongBy(check: string, error: unknown): Finding {
  const message = messageOf(error)
  const cut = message.lastIndexOf(': ')
  return cut < 0
    ? wrong(check, message, '')
    : wrong(check, message.slice(0, cut), message.slice(cut + 2))
}
