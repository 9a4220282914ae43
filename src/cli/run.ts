import { Command, CommanderError } from 'commander'
import { BursarError, isBursarError, messageOf } from '../errors.ts'
import type { CliContext } from './command.ts'
import { CommandFailed } from './command.ts'
import { COMMANDS } from './commands.ts'

/** The whole program, ready to parse. Exported so that documentation can be checked against it. */
export function createProgram(context: CliContext, version: string): Command {
  const program = new Command('bursar')
    .description('A queue-based AI cost governor.')
    .version(version)
    .showHelpAfterError(false)
    // Flags behind a command are the command's own, also where the group before it has some of that name.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.output.line(text.trimEnd()),
      // Errors are printed once, below, in the shape of every other error.
      writeErr: () => {},
    })
  for (const register of COMMANDS) register(program, context)
  for (const command of program.commands) command.copyInheritedSettings(program)
  return program
}

const USAGE_CODES = new Set(['commander.helpDisplayed', 'commander.version', 'commander.help'])

/** Turns what commander throws into one of ours; undefined when help or version was all that was asked for. */
function usageError(error: CommanderError): BursarError | undefined {
  if (USAGE_CODES.has(error.code)) return undefined
  const message = error.message.replace(/^error: /, '').replace(/\.$/, '')
  return new BursarError('INVALID_ARGUMENT', `${message}; try: bursar --help`, { cause: error })
}

function printError(error: unknown, { env, output }: CliContext): void {
  const code = isBursarError(error) ? error.code : 'UNEXPECTED'
  output.note(`${output.paint('red', `error ${code}:`)} ${messageOf(error)}`)
  const mend = isBursarError(error) ? error.detail.mend : undefined
  if (typeof mend === 'string') output.note(`mend: ${mend}`)
  if (!isBursarError(error))
    output.note('mend: this is a bug; run again with LOG_LEVEL=debug and report it')
  if (env.LOG_LEVEL === 'debug' && error instanceof Error) output.note(error.stack ?? '')
}

/**
 * Runs one command line.
 * @param argv - the words after the program's name.
 * @returns the exit code: 0 done, 1 an error, which was printed.
 */
export async function runCli(
  argv: readonly string[],
  context: CliContext,
  version: string,
): Promise<number> {
  try {
    const words = argv.length === 0 ? ['--help'] : argv
    await createProgram(context, version).parseAsync(words, { from: 'user' })
    return 0
  } catch (thrown) {
    const error = thrown instanceof CommanderError ? usageError(thrown) : thrown
    if (error === undefined) return 0
    if (!(error instanceof CommandFailed)) printError(error, context)
    return 1
  }
}
