import type { UserTier } from '../admin/users.ts'
import { type CliContext, type Registration, wholeNumber } from './command.ts'
import { duration } from './keys/flags.ts'
import { instant } from './time-flags.ts'

interface SetFlags {
  readonly tenant?: string
  readonly until?: number
  readonly for?: number
  readonly reason?: string
  readonly json: boolean
}

interface ListFlags {
  readonly tenant?: string
  readonly limit: number
  readonly json: boolean
}

const MOST_LISTED = 100_000
const LISTED = 50

/** `bursar users`: which tier a user has, beside what the policy says. */
export const users: Registration = (program, context) => {
  const group = program.command('users').description('give users tiers, and list who has one')

  group
    .command('set-tier <user> <tier>')
    .description('give a user a tier: every process knows within seconds')
    .option('--tenant <name>', "whose user; without it, the policy's default tenant")
    .option('--until <time>', 'when it ends, ISO 8601; without it, when it is changed', instant)
    .option('--for <time>', 'or how long it counts, e.g. 30d', duration)
    .option('--reason <text>', 'why: it stays on record')
    .option('--json', 'print one JSON object', false)
    .action((user: string, tier: string, flags: SetFlags) => setTier(user, tier, flags, context))

  group
    .command('clear-tier <user>')
    .description('take it back: the policy says again which tier the user has')
    .option('--tenant <name>', "whose user; without it, the policy's default tenant")
    .option('--reason <text>', 'why: it stays on record')
    .option('--json', 'print one JSON object', false)
    .action((user: string, flags: SetFlags) => setTier(user, null, flags, context))

  group
    .command('list')
    .description('list the users that were given a tier')
    .option('--tenant <name>', 'those of one tenant')
    .option('--limit <n>', 'how many to list', wholeNumber(0, MOST_LISTED), LISTED)
    .option('--json', 'print one JSON object', false)
    .action((flags: ListFlags) => list(flags, context))
}

async function setTier(
  user: string,
  tier: string | null,
  { tenant, until, for: life, reason, json }: SetFlags,
  context: CliContext,
) {
  const { usersSetTier } = await import('../admin/users.ts')
  const { ask } = await import('./place.ts')
  const wanted = {
    ...{ user, tier },
    ...(tenant === undefined ? {} : { tenant }),
    ...(until === undefined ? {} : { untilMs: until }),
    ...(life === undefined ? {} : { forMs: life }),
    ...(reason === undefined ? {} : { reason }),
  }
  const set = await ask(usersSetTier, wanted, context)
  if (json) context.output.json(set)
  else await print(context, set)
}

async function print({ output }: CliContext, { tenant, user, tier, until }: UserTier) {
  const { printable } = await import('./report/printable.ts')
  const whom = `${printable(user)} of ${printable(tenant)}`
  if (tier === null) return output.line(`${whom} has the tier that the policy says`)
  const end = until === null ? 'until it is changed' : `until ${until}`
  output.line(`${whom} has tier ${printable(tier)} ${end}: every process knows within seconds`)
}

async function list({ tenant, limit, json }: ListFlags, context: CliContext) {
  const { usersList } = await import('../admin/users.ts')
  const { ask } = await import('./place.ts')
  const found = await ask(usersList, tenant === undefined ? { limit } : { limit, tenant }, context)
  if (json) return context.output.json(found)
  const { output } = context
  if (found.users.length === 0) {
    return output.line('nobody was given a tier: bursar users set-tier USER TIER gives one')
  }
  const { printable } = await import('./report/printable.ts')
  output.table(
    ['TENANT', 'USER', 'TIER', 'UNTIL', 'IN FORCE', 'BY', 'WHEN', 'REASON'],
    found.users.map((one) => [
      ...[one.tenant, one.user, one.tier ?? '-', one.until ?? '-'].map((text) => printable(text)),
      one.inForce ? 'yes' : 'no',
      ...[one.setBy, one.setAt].map((text) => printable(text)),
      printable(one.reason, 60),
    ]),
  )
}
