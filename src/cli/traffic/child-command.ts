import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { readFaultSpec } from '../../../sandbox/faults.ts'
import { messageOf } from '../../errors.ts'
import { type CliContext, wholeNumber } from '../command.ts'
import { CHILD_COMMAND } from './child-name.ts'
import type { SandboxRole } from './sandbox-child.ts'

/** Seeds of traffic and of the sandbox end here. */
export const MAX_SEED = 2 ** 31 - 1

/** Parser of an option that takes faults of the sandbox, such as `429:0.05,cut:0.01`. */
export function readFaults(text: string): string {
  try {
    readFaultSpec(text)
    return text
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error))
  }
}

/**
 * The hidden command whose subcommands are what replay and demo start beside themselves; it always knows `sandbox`.
 * Safe to ask for twice.
 */
export function childCommand(program: Command, { signal }: CliContext): Command {
  const known = program.commands.find((command) => command.name() === CHILD_COMMAND)
  if (known) return known
  const child = program.command(CHILD_COMMAND, { hidden: true })
  child
    .command('sandbox')
    .requiredOption('--bill <file>')
    .requiredOption('--seed <n>', '', wholeNumber(0, MAX_SEED))
    .requiredOption('--faults <spec>', '', readFaults)
    .option('--latency <ms>', '', wholeNumber(0, 60_000), 0)
    .action(async ({ latency, ...role }: Omit<SandboxRole, 'latencyMs'> & { latency: number }) => {
      const { runSandbox } = await import('./sandbox-child.ts')
      await runSandbox({ ...role, latencyMs: latency }, signal)
    })
  return child
}
