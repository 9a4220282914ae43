import { Option } from 'commander'
import type { Registration } from './command.ts'

interface SendFlags {
  readonly every: 'weekly' | 'monthly'
  readonly tag: string
  readonly tenant?: string
  readonly to: readonly string[]
  readonly json: boolean
}

/** `bursar send-report`: what the last week or month cost, as it is sent to those who pay. */
export const sendReport: Registration = (program, context) => {
  program
    .command('send-report')
    .description('make the report of the last week or month now; send it, or just look at it')
    .addOption(
      new Option('--every <what>', 'which one').choices(['weekly', 'monthly']).default('weekly'),
    )
    .option('--tag <name>', 'the tag by whose values the cost is told, too', 'feature')
    .option('--tenant <name>', 'of one tenant alone')
    .option('--to <channel...>', 'channels of the policy; without it, it is only shown', [])
    .option('--json', 'print one JSON object', false)
    .action(async ({ json, ...wanted }: SendFlags) => {
      const [{ sendReport: command }, { ask }] = await Promise.all([
        import('../admin/send-report.ts'),
        import('./place.ts'),
      ])
      const sent = await ask(command, wanted, context)
      const { output } = context
      if (json) return output.json(sent)
      output.line(sent.text)
      if (sent.channels.length > 0) output.note(`goes to ${sent.channels.join(', ')} as ${sent.id}`)
    })
}
