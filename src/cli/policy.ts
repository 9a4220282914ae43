import type { CliContext, Registration } from './command.ts'
import { wholeNumber } from './command.ts'

const MOST_VERSIONS = 2_147_483_647
const version = wholeNumber(1, MOST_VERSIONS)

interface ShowFlags {
  readonly version?: number
  readonly json: boolean
}
interface DiffFlags {
  readonly from?: number
  readonly to?: number
  readonly json: boolean
}
interface ApplyFlags {
  readonly after?: number
  readonly reason: string
  readonly json: boolean
}

/** `bursar policy`: look at the policy in force, judge another, see what it would change, and put it in force. */
export const policy: Registration = (program, context) => {
  const group = program
    .command('policy')
    .description('show, judge, compare and change the policy in force')

  group
    .command('show')
    .description('show the policy in force, defaults filled in; never a key')
    .option('--version <n>', 'an earlier version of it', version)
    .option('--json', 'print one JSON object', false)
    .action((flags: ShowFlags) => show(flags, context))

  group
    .command('validate [file]')
    .description('judge a policy file, by default BURSAR_POLICY; exit code 1 when it has mistakes')
    .option('--json', 'print one JSON object', false)
    .action((file: string | undefined, flags: { readonly json: boolean }) =>
      validate(file, flags.json, context),
    )

  group
    .command('diff [file]')
    .description('show what a policy file would change, and whom that concerns')
    .option('--from <n>', 'compare with this version instead of the one in force', version)
    .option('--to <n>', 'compare this version instead of a file', version)
    .option('--json', 'print one JSON object', false)
    .action((file: string | undefined, flags: DiffFlags) => diff(file, flags, context))

  group
    .command('apply [file]')
    .description('put a policy in force everywhere, until a policy file is changed')
    .requiredOption('--reason <text>', 'why: it stays on record')
    .option('--after <n>', 'only if this version is still the one in force', version)
    .option('--json', 'print one JSON object', false)
    .action((file: string | undefined, flags: ApplyFlags) => apply(file, flags, context))
}

const load = () => Promise.all([import('./place.ts'), import('./policy/show.ts')])

/** The text of the file that was named, else of the one that a process here would read. */
async function textOf(file: string | undefined, { env }: CliContext): Promise<string> {
  const [{ decode, readPolicyFile }, { readOptions }, { policyPath }] = await Promise.all([
    import('../config/policy.ts'),
    import('../config/options.ts'),
    import('./policy-path.ts'),
  ])
  const path = file ?? policyPath(readOptions(env), env)
  return decode(path, await readPolicyFile(path))
}

async function show({ version: wanted, json }: ShowFlags, context: CliContext): Promise<void> {
  const [{ ask }, { showPolicy }] = await load()
  const { policyShow } = await import('../admin/policy/show.ts')
  const input = wanted === undefined ? {} : { version: wanted }
  const found = await ask(policyShow, input, context)
  if (json) context.output.json(found)
  else showPolicy(found, context.output)
}

async function validate(file: string | undefined, json: boolean, context: CliContext) {
  const [{ ask }, { showJudged }] = await load()
  const { policyValidate } = await import('../admin/policy/validate.ts')
  const judged = await ask(policyValidate, { yaml: await textOf(file, context) }, context)
  if (json) context.output.json(judged)
  else showJudged(judged, context.output)
  if (judged.ok) return
  const { CommandFailed } = await import('./command.ts')
  throw new CommandFailed()
}

async function diff(
  file: string | undefined,
  { from, to, json }: DiffFlags,
  context: CliContext,
): Promise<void> {
  const [{ ask }, { showDifference }] = await load()
  const { policyDiff } = await import('../admin/policy/diff.ts')
  const after = to === undefined ? { yaml: await textOf(file, context) } : { to }
  const input = { ...after, ...(from === undefined ? {} : { from }) }
  const found = await ask(policyDiff, input, context)
  if (json) context.output.json(found)
  else showDifference(found, context.output)
}

async function apply(
  file: string | undefined,
  { after, reason, json }: ApplyFlags,
  context: CliContext,
): Promise<void> {
  const [{ ask }, { showApplied }] = await load()
  const { policyApply } = await import('../admin/policy/apply.ts')
  const yaml = await textOf(file, context)
  const input = { yaml, reason, ...(after === undefined ? {} : { after }) }
  const applied = await ask(policyApply, input, context)
  if (json) context.output.json(applied)
  else showApplied(applied, context.output)
}
