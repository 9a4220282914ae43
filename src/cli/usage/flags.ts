import { type Command, InvalidArgumentError } from 'commander'
import { wholeNumber } from '../command.ts'

/** What every question about usage is asked with. */
export interface UsageFlags {
  readonly by?: readonly string[]
  readonly where?: Readonly<Record<string, readonly string[]>>
  readonly period?: string
  readonly from?: string
  readonly to?: string
  readonly timezone?: string
  readonly top?: number
  readonly before: boolean
  readonly json?: true
  readonly csv?: true
}

const MOST_ROWS = 10_000

/** Adds the flags that say what, of whom and when. */
export const withUsageFlags = (command: Command): Command =>
  command
    .option('--by <what>', 'one row for each, e.g. tenant, or tier,model, or tag:feature', names)
    .option('--where <what=value>', 'only these, e.g. tenant=acme; may be repeated', filter)
    .option('--period <name>', 'today, this-month, last-week, last-7-days ... (this-month)')
    .option('--from <time>', 'or its first instant: 2026-11-01 (midnight) or 2026-11-01T09:30Z')
    .option('--to <time>', 'and the first that no longer counts; absent = until now')
    .option('--timezone <name>', 'in which days begin, e.g. Europe/Berlin (UTC)')
    .option('--top <n>', 'how many rows', wholeNumber(1, MOST_ROWS))
    .option('--no-before', 'leave the period before out')
    .option('--json', 'print one JSON object, money in nano-USD')
    .option('--csv', 'print the rows as CSV, money in nano-USD')

const names = (text: string): readonly string[] => text.split(',').map((name) => name.trim())

/** `tenant=acme,globex`: all flags must agree, of one flag any value. */
function filter(
  text: string,
  before: UsageFlags['where'] = {},
): Readonly<Record<string, readonly string[]>> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Write what=value, such as tenant=acme.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1).split(',') }
}

/** The flags as a command's input. */
export const questionOf = ({
  by,
  where,
  period,
  from,
  to,
  timezone,
  top,
  before,
}: UsageFlags): Record<string, unknown> => ({
  ...(by && { by }),
  ...(where && { where }),
  ...(period !== undefined && { period }),
  ...(from !== undefined && { from }),
  ...(to !== undefined && { to }),
  ...(timezone !== undefined && { timezone }),
  ...(top !== undefined && { top }),
  before,
})
