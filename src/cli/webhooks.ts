import { Option } from 'commander'
import type { WebhooksView } from '../admin/webhooks/list.ts'
import { type CliContext, type Registration, wholeNumber } from './command.ts'

type Webhook = WebhooksView['webhooks'][number]

interface ListFlags {
  readonly state?: Webhook['state']
  readonly limit: number
  readonly json: boolean
}

const LISTED = 50
const MOST_LISTED = 1_000
/** As the ledger names them, which a command line that only shows its help need not load. */
const STATES: readonly Webhook['state'][] = ['waiting', 'due', 'delivered', 'failed']

/** `bursar webhooks`: who was, or is to be, told of the end of jobs. */
export const webhooks: Registration = (program, context) => {
  program
    .command('webhooks')
    .description('who was, or is to be, told of the end of jobs')
    .command('list')
    .description('list webhooks, newest first, and how each try went')
    .addOption(
      new Option(
        '--state <name>',
        'in this state: its job goes on, it is tried, or it is over',
      ).choices(STATES),
    )
    .option('--limit <n>', 'how many to list', wholeNumber(0, MOST_LISTED), LISTED)
    .option('--json', 'print one JSON object', false)
    .action((flags: ListFlags) => list(flags, context))
}

async function list({ json, ...wanted }: ListFlags, context: CliContext): Promise<void> {
  const [{ webhooksList }, { ask }, { showWebhooks }] = await Promise.all([
    import('../admin/webhooks/list.ts'),
    import('./place.ts'),
    import('./webhooks/show.ts'),
  ])
  const found = await ask(webhooksList, wanted, context)
  if (json) context.output.json(found)
  else showWebhooks(found, context.output)
}
