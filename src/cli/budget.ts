import { type CliContext, type Registration, wholeNumber } from './command.ts'
import { duration } from './keys/flags.ts'
import { instant } from './time-flags.ts'
import { usd } from './usd-flag.ts'

interface GrantFlags {
  readonly usd: number
  readonly window?: string
  readonly until?: number
  readonly for?: number
  readonly reason: string
  readonly json: boolean
}

const load = () =>
  Promise.all([
    import('../admin/budget/grant.ts'),
    import('../admin/budget/list.ts'),
    import('./place.ts'),
    import('./budget/show.ts'),
  ])

const MOST_LISTED = 10_000
const LISTED = 30

/** `bursar budget`: what budgets allow, and money on top of them for a while. */
export const budget: Registration = (program, context) => {
  const group = program.command('budget').description('show budgets; raise one for a while')

  group
    .command('list [budget]')
    .description('show limit, credits, spent, held and left of each window that is open')
    .option('--limit <n>', 'how many to list, fullest first', wholeNumber(0, MOST_LISTED), LISTED)
    .option('--json', 'print one JSON object, money in nano-USD', false)
    .action((name: string | undefined, flags: ListFlags) => list(name, flags, context))

  group
    .command('grant <budget>')
    .description('raise a window above its limit: now, or one to come')
    .requiredOption('--usd <amount>', 'how much, e.g. 50', usd)
    .option('--window <id>', 'which window, e.g. 2026-11; without it, the one that is open')
    .option(
      '--until <time>',
      'when the credit ends, ISO 8601; without it, with its window',
      instant,
    )
    .option('--for <time>', 'or how long it counts, e.g. 3d', duration)
    .requiredOption('--reason <text>', 'why: it stays on record')
    .option('--json', 'print one JSON object, money in nano-USD', false)
    .action((name: string, flags: GrantFlags) => grant(name, flags, context))

  group
    .command('revoke <credit>')
    .description('take a credit back; what was spent of it stays spent')
    .option('--reason <text>', 'why: it stays on record')
    .option('--json', 'print one JSON object, money in nano-USD', false)
    .action((id: string, flags: RevokeFlags) => revoke(id, flags, context))
}

interface ListFlags {
  readonly limit: number
  readonly json: boolean
}

async function list(name: string | undefined, { limit, json }: ListFlags, context: CliContext) {
  const [, { budgetList }, { ask }, { showBudgets }] = await load()
  const wanted = name === undefined ? { limit } : { limit, budget: name }
  const found = await ask(budgetList, wanted, context)
  if (json) context.output.json(found)
  else showBudgets(found, context.output)
}

async function grant(
  name: string,
  { usd: amountNano, window, until, for: life, reason, json }: GrantFlags,
  context: CliContext,
) {
  const [{ budgetGrant }, , { ask }, { showGranted }] = await load()
  const wanted = {
    ...{ budget: name, amountNano, reason },
    ...(window === undefined ? {} : { window }),
    ...(until === undefined ? {} : { untilMs: until }),
    ...(life === undefined ? {} : { forMs: life }),
  }
  const granted = await ask(budgetGrant, wanted, context)
  if (json) context.output.json(granted)
  else showGranted(granted, context.output)
}

interface RevokeFlags {
  readonly reason?: string
  readonly json: boolean
}

async function revoke(id: string, { reason, json }: RevokeFlags, context: CliContext) {
  const [{ budgetRevoke }, , { ask }, { showGranted }] = await load()
  const wanted = reason === undefined ? { id } : { id, reason }
  const revoked = await ask(budgetRevoke, wanted, context)
  if (json) context.output.json(revoked)
  else showGranted(revoked, context.output)
}
