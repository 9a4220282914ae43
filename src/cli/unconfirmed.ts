import { InvalidArgumentError } from 'commander'
import type { SettledView, UnconfirmedList } from '../admin/unconfirmed.ts'
import { messageOf } from '../errors.ts'
import type { Nano } from '../money/nano.ts'
import { parseUsd } from '../money/usd.ts'
import { type CliContext, type Registration, wholeNumber } from './command.ts'
import { duration } from './keys/flags.ts'

interface ListFlags {
  readonly older: number
  readonly limit: number
  readonly json: boolean
}
interface ConfirmFlags {
  readonly usd: Nano
  readonly reason?: string
  readonly json: boolean
}
interface WaiveFlags {
  readonly reason: string
  readonly json: boolean
}

const LISTED = 50
const MOST_LISTED = 1_000

const load = () => Promise.all([import('../admin/unconfirmed.ts'), import('./place.ts')])

/** Parser of an amount such as 0.0123. @returns nano-USD. */
function usd(text: string): Nano {
  try {
    return parseUsd(text)
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error))
  }
}

/** `bursar unconfirmed`: calls whose outcome nobody saw count whole until somebody says what they cost. */
export const unconfirmed: Registration = (program, context) => {
  const group = program
    .command('unconfirmed')
    .description('list calls whose cost nobody saw, and settle them from the invoice')

  group
    .command('list')
    .description('list the attempts that are booked whole, newest first')
    .option('--older <time>', 'only those admitted at least this long ago, e.g. 1d', duration, 0)
    .option('--limit <n>', 'how many to list', wholeNumber(0, MOST_LISTED), LISTED)
    .option('--json', 'print one JSON object, money in nano-USD', false)
    .action((flags: ListFlags) => list(flags, context))

  group
    .command('confirm <attempt>')
    .description('book what the provider billed for it')
    .requiredOption('--usd <amount>', 'as on the invoice, e.g. 0.0123', usd)
    .option('--reason <text>', 'kept in the ledger beside who said it')
    .option('--json', 'print one JSON object, money in nano-USD', false)
    .action((attempt: string, flags: ConfirmFlags) => confirm(attempt, flags, context))

  group
    .command('waive <attempt>')
    .description('book nothing for it: the provider never billed it')
    .requiredOption('--reason <text>', 'kept in the ledger beside who said it')
    .option('--json', 'print one JSON object, money in nano-USD', false)
    .action((attempt: string, flags: WaiveFlags) => waive(attempt, flags, context))
}

async function list({ older, limit, json }: ListFlags, context: CliContext) {
  const [{ unconfirmedList }, { ask }] = await load()
  const found = await ask(unconfirmedList, { olderMs: older, limit }, context)
  if (json) context.output.json(found)
  else await printList(context, found)
}

async function confirm(attempt: string, flags: ConfirmFlags, context: CliContext) {
  const [{ unconfirmedConfirm }, { ask }] = await load()
  const reason = flags.reason === undefined ? {} : { reason: flags.reason }
  const wanted = { attempt, costNano: flags.usd, ...reason }
  await tell(await ask(unconfirmedConfirm, wanted, context), flags.json, context)
}

async function waive(attempt: string, { reason, json }: WaiveFlags, context: CliContext) {
  const [{ unconfirmedWaive }, { ask }] = await load()
  await tell(await ask(unconfirmedWaive, { attempt, reason }, context), json, context)
}

async function printList({ output }: CliContext, { attempts, total }: UnconfirmedList) {
  if (total.attempts === 0) return output.line('nothing is unconfirmed')
  const { formatUsd } = await import('../money/usd.ts')
  const { printable } = await import('./report/printable.ts')
  if (attempts.length > 0) {
    output.table(
      ['ATTEMPT', 'TENANT', 'USER', 'MODEL', 'ADMITTED', 'BOOKED USD', 'AT LEAST USD', 'WHY'],
      attempts.map(({ attempt, tenant, user, model, admittedAt, bookedNano, noteNano, reason }) => [
        ...[attempt, tenant ?? '-', user ?? '-', model ?? '-'].map((text) => printable(text, 100)),
        admittedAt.replace(/\.\d+Z$/, 'Z'),
        formatUsd(bookedNano),
        noteNano === null ? '-' : formatUsd(noteNano),
        printable(reason ?? 'its worker died', 80),
      ]),
    )
    output.line()
  }
  const more = total.attempts - attempts.length
  if (more > 0) output.line(`and ${more} more: use --limit to see more of them`)
  output.line(`${total.attempts} unconfirmed, ${formatUsd(total.bookedNano)} USD booked for them`)
}

async function tell(view: SettledView, json: boolean, { output }: CliContext) {
  if (json) return output.json(view)
  const { formatUsd } = await import('../money/usd.ts')
  const { beforeNano, bookedNano, overrunNano } = view
  const over = overrunNano > 0 ? `, ${formatUsd(overrunNano)} of it above the hold` : ''
  output.line(`booked ${formatUsd(bookedNano)} USD instead of ${formatUsd(beforeNano)}${over}`)
}
