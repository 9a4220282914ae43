import { Option } from 'commander'
import { type Registration, wholeNumber } from './command.ts'
import { type UsageFlags, withUsageFlags } from './usage/flags.ts'

const GRAINS = ['hour', 'day', 'week', 'month']
const MOST_WINDOWS = 100

/** `bursar usage`: what was spent, on what, and how it goes on. */
export const usage: Registration = (program, context) => {
  const group = withUsageFlags(
    program
      .command('usage')
      .description('show what was spent, by anything, beside the period before'),
  ).action(async (flags: UsageFlags) => {
    const { showSpend } = await import('./usage/spend.ts')
    await showSpend(flags, context)
  })

  withUsageFlags(
    group.command('curve').description('show how it went, hour by hour to month by month'),
  )
    .addOption(new Option('--grain <size>', 'of one step').choices(GRAINS))
    .option('--measure <name>', 'costNano, requests, calls, savedNano ... (costNano)')
    .action(async (flags: UsageFlags) => {
      const { showCurve } = await import('./usage/curve.ts')
      await showCurve(flags, context)
    })

  withUsageFlags(
    group.command('units').description('show what a request, 1,000 tokens and a user cost'),
  ).action(async (flags: UsageFlags) => {
    const { showUnits } = await import('./usage/units.ts')
    await showUnits(flags, context)
  })

  withUsageFlags(group.command('saved').description('show what was not paid, and why')).action(
    async (flags: UsageFlags) => {
      const { showSaved } = await import('./usage/saved.ts')
      await showSaved(flags, context)
    },
  )

  group
    .command('forecast')
    .description('show how open budget windows will end, and when they run dry')
    .option('--budget <name>', 'one alone, e.g. company or tenants/acme')
    .option('--top <n>', 'how many, the fullest first', wholeNumber(1, MOST_WINDOWS))
    .option('--json', 'print one JSON object, money in nano-USD')
    .action(async (flags) => {
      const { showForecast } = await import('./usage/forecast.ts')
      await showForecast(flags, context)
    })

  group
    .command('now <user>')
    .description('show how full the budgets and limits of a user are now')
    .option('--tenant <name>', "whose user; without it, the policy's default tenant")
    .option('--tier <name>', "as if of this tier; without it, the user's own")
    .option('--json', 'print one JSON object, money in nano-USD')
    .action(async (user: string, flags) => {
      const { showNow } = await import('./usage/now.ts')
      await showNow(user, flags, context)
    })

  group
    .command('request <id>')
    .description('show one request, by its job or attempt, with every call made for it')
    .option('--json', 'print one JSON object, money in nano-USD')
    .action(async (id: string, flags) => {
      const { showRequest } = await import('./usage/records.ts')
      await showRequest(id, flags, context)
    })

  group
    .command('run <id>')
    .description('show the requests of a run, and what they cost')
    .option('--tenant <name>', 'whose run, where two tenants name theirs alike')
    .option('--json', 'print one JSON object, money in nano-USD')
    .action(async (id: string, flags) => {
      const { showRun } = await import('./usage/records.ts')
      await showRun(id, flags, context)
    })
}
