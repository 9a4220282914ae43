import type { Selection } from '../admin/cache/selection.ts'
import type { WarmFlags } from './cache/warm.ts'
import { type CliContext, CommandFailed, type Registration, wholeNumber } from './command.ts'
import { usd } from './usd-flag.ts'

const MOST_DAYS = 7

interface StatsFlags {
  readonly days: number
  readonly tenant?: string
  readonly json: boolean
}

interface InvalidateFlags extends Partial<Omit<Selection, 'everything'>> {
  readonly answers?: boolean
  readonly data?: boolean
  readonly json: boolean
}

interface ClearFlags {
  readonly answers?: boolean
  readonly data?: boolean
  readonly yes?: boolean
  readonly json: boolean
}

/** `bursar cache`: what is kept so that it need not be paid or worked out again. */
export const cache: Registration = (program, context) => {
  const group = program
    .command('cache')
    .description('show, invalidate and warm answers of models and data of applications')

  group
    .command('stats')
    .description('show what is kept, how often it served, and what that saved')
    .option('--days <n>', 'how many days, today included', wholeNumber(1, MOST_DAYS), 1)
    .option('--tenant <name>', "one tenant's alone")
    .option('--json', 'print one JSON object, money in nano-USD', false)
    .action((flags: StatsFlags) => stats(flags, context))

  group
    .command('health')
    .description('look whether it is reachable, quick, used and not full; exit code 1 when not')
    .option('--json', 'print one JSON object', false)
    .action((flags: { readonly json: boolean }) => health(flags.json, context))

  group
    .command('reset-metrics')
    .description('count hits, misses and times anew from now on; the ledger keeps what was')
    .option('--json', 'print one JSON object', false)
    .action((flags: { readonly json: boolean }) => resetMetrics(flags.json, context))

  group
    .command('invalidate')
    .description('drop what is no longer right; who did it and how much went stays on record')
    .option('--tenant <name>', "a tenant's")
    .option('--user <name>', "a user's, of this tenant or the policy's default one")
    .option('--namespace <name>', 'data of this namespace alone')
    .option('--key <key>', 'one key')
    .option('--pattern <pattern>', 'keys that match, e.g. "course:*"')
    .option(
      '--tag <tag>',
      'what depends on a tag, e.g. course=7, of this tenant or the default one',
    )
    .option('--event <name>', 'what the policy says that an event ends, e.g. lesson.completed')
    .option('--answers', 'answers of models alone')
    .option('--data', 'data of applications alone')
    .option('--json', 'print one JSON object', false)
    .action(({ answers, data, json, ...selection }: InvalidateFlags) =>
      invalidate({ ...selection, of: partOf(answers, data) }, json, context),
    )

  group
    .command('clear')
    .description('drop everything')
    .option('--answers', 'answers of models alone')
    .option('--data', 'data of applications alone')
    .option('--yes', 'do it without asking')
    .option('--json', 'print one JSON object', false)
    .action((flags: ClearFlags) => clear(flags, context))

  group
    .command('warm')
    .description("ask beforehand, charged to the policy's budget for warming")
    .option('--file <path>', 'requests as an app writes them, one JSON object a line')
    .option('--learned <n>', 'the prompts that came again and cost most', wholeNumber(1, 1_000))
    .option('--tenant <name>', 'whose, where a prompt does not say')
    .option('--user <name>', 'for whom, where a prompt does not say')
    .option('--budget-usd <amount>', 'ask nothing that could pass it', usd)
    .option('--json', 'print one JSON object, money in nano-USD', false)
    .action(async (flags: WarmFlags) => {
      const { warm } = await import('./cache/warm.ts')
      return warm(flags, context)
    })
}

const partOf = (answers = false, data = false): Selection['of'] =>
  answers === data ? 'both' : answers ? 'answers' : 'data'

const load = () => Promise.all([import('./place.ts'), import('./cache/show.ts')])

async function stats({ days, tenant, json }: StatsFlags, context: CliContext): Promise<void> {
  const [{ ask }, { showStats }] = await load()
  const { cacheStats } = await import('../admin/cache/stats.ts')
  const found = await ask(cacheStats, tenant === undefined ? { days } : { days, tenant }, context)
  if (json) context.output.json(found)
  else showStats(found, context.output)
}

async function health(json: boolean, context: CliContext): Promise<void> {
  const [{ ask }, { showHealth }] = await load()
  const { cacheHealth } = await import('../admin/cache/health.ts')
  const found = await ask(cacheHealth, {}, context)
  if (json) context.output.json(found)
  else showHealth(found, context.output)
  if (!found.ok) throw new CommandFailed()
}

async function resetMetrics(json: boolean, context: CliContext): Promise<void> {
  const [{ ask }, { showReset }] = await load()
  const { cacheResetMetrics } = await import('../admin/cache/reset-metrics.ts')
  const found = await ask(cacheResetMetrics, {}, context)
  if (json) context.output.json(found)
  else showReset(found, context.output)
}

async function invalidate(
  selection: Partial<Selection>,
  json: boolean,
  context: CliContext,
): Promise<void> {
  const [{ ask }, { showInvalidated }] = await load()
  const { cacheInvalidate } = await import('../admin/cache/invalidate.ts')
  const found = await ask(cacheInvalidate, selection, context)
  if (json) context.output.json(found)
  else showInvalidated(found, context.output)
}

async function clear({ answers, data, yes, json }: ClearFlags, context: CliContext): Promise<void> {
  const of = partOf(answers, data)
  if (!yes) {
    const { confirm } = await import('./cache/confirm.ts')
    const what = of === 'both' ? 'all answers and all data' : `all ${of}`
    await confirm(`This drops ${what} of every tenant.`, context)
  }
  return invalidate({ of, everything: true }, json, context)
}
