import type { Severity } from '../config/alert-types.ts'
import type { DeliveryState } from '../ledger/tables/alerts.ts'
import type { TestFlags } from './alerts/try.ts'
import { type CliContext, listOf, type Registration, wholeNumber } from './command.ts'
import { duration } from './keys/flags.ts'

const SEVERITY_NAMES = ['low', 'medium', 'high', 'critical'] as const satisfies readonly Severity[]
const STATE_NAMES = [
  'waiting',
  'sent',
  'failed',
  'passed',
] as const satisfies readonly DeliveryState[]

const load = () =>
  Promise.all([import('../admin/alerts.ts'), import('./place.ts'), import('./alerts/show.ts')])

const oneOf = <const Name extends string>(names: readonly Name[]) => {
  const read = listOf(names)
  return (text: string): Name | undefined => read(text)[0]
}

const MOST_LISTED = 10_000

/** `bursar alerts`: what is wrong, who was told, and whether it reached them. */
export const alerts: Registration = (program, context) => {
  const group = program
    .command('alerts')
    .description('see, acknowledge and silence alerts; try them')

  group
    .command('list')
    .description('list the alerts that are open, newest first')
    .option('--all', 'those that are over, too', false)
    .option('--limit <n>', 'how many', wholeNumber(0, MOST_LISTED), 50)
    .option('--json', 'print one JSON object', false)
    .action((flags: ListFlags) => list(flags, context))

  group
    .command('show <id>')
    .description('show one alert and what became of it')
    .option('--json', 'print one JSON object', false)
    .action((id: string, flags: { readonly json: boolean }) => show(id, flags, context))

  group
    .command('ack <id>')
    .description('say that somebody looks after it: no reminders, no escalation')
    .option('--why <text>', 'it stays on record')
    .option('--json', 'print one JSON object', false)
    .action((id: string, flags: AckFlags) => ack(id, flags, context))

  group
    .command('silence <id>')
    .description('tell nothing of it until a time')
    .requiredOption('--for <time>', 'how long, e.g. 2h', duration)
    .requiredOption('--why <text>', 'it stays on record')
    .option('--json', 'print one JSON object', false)
    .action((id: string, flags: SilenceFlags) => silence(id, flags, context))

  group
    .command('deliveries')
    .description('show what was sent, what waits and what failed, newest first')
    .option('--state <state>', `only ${STATE_NAMES.join(', ')}`, oneOf(STATE_NAMES))
    .option('--message <id>', 'of one message alone')
    .option('--limit <n>', 'how many', wholeNumber(0, MOST_LISTED), 50)
    .option('--json', 'print one JSON object', false)
    .action((flags: DeliveryFlags) => deliveries(flags, context))

  group
    .command('test')
    .description('send a message that means nothing, and show what it looks like')
    .option('--channel <name>', 'through this one alone; without it, through all')
    .option('--severity <name>', 'as grave as this', oneOf(SEVERITY_NAMES), 'high')
    .option('--json', 'print one JSON object', false)
    .action(async (flags: TestFlags) => (await import('./alerts/try.ts')).tryAlerts(flags, context))
}

interface ListFlags {
  readonly all: boolean
  readonly limit: number
  readonly json: boolean
}
interface AckFlags {
  readonly why?: string
  readonly json: boolean
}
interface SilenceFlags {
  readonly for: number
  readonly why: string
  readonly json: boolean
}
interface DeliveryFlags {
  readonly state?: DeliveryState
  readonly message?: string
  readonly limit: number
  readonly json: boolean
}

async function list({ json, ...wanted }: ListFlags, context: CliContext) {
  const [{ alertsList }, { ask }, { showAlerts }] = await load()
  const found = await ask(alertsList, wanted, context)
  if (json) context.output.json(found)
  else showAlerts(found, context.output)
}

async function show(id: string, { json }: { readonly json: boolean }, context: CliContext) {
  const [{ alertsShow }, { ask }, { showAlert }] = await load()
  const found = await ask(alertsShow, { id }, context)
  if (json) context.output.json(found)
  else showAlert(found, context.output)
}

async function ack(id: string, { why, json }: AckFlags, context: CliContext) {
  const [{ alertsAck }, { ask }, { showMoved }] = await load()
  const moved = await ask(alertsAck, { id, ...(why ? { reason: why } : {}) }, context)
  if (json) context.output.json(moved)
  else showMoved(moved, context.output)
}

async function silence(id: string, { why, json, ...flags }: SilenceFlags, context: CliContext) {
  const [{ alertsSilence }, { ask }, { showMoved }] = await load()
  const moved = await ask(alertsSilence, { id, forMs: flags.for, reason: why }, context)
  if (json) context.output.json(moved)
  else showMoved(moved, context.output)
}

async function deliveries({ json, ...wanted }: DeliveryFlags, context: CliContext) {
  const [{ alertsDeliveries }, { ask }, { showDeliveries }] = await load()
  const found = await ask(alertsDeliveries, wanted, context)
  if (json) context.output.json(found)
  else showDeliveries(found, context.output)
}
