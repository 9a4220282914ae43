import { isBursarError, messageOf } from '../errors.ts'
import { recordStep } from '../ledger/audit.ts'
import type { AuditStep } from '../ledger/tables/audit.ts'
import { newJobId } from '../queue/ids.ts'
import { withoutSecrets } from './audit/without-secrets.ts'
import type { AdminCommand, AdminPlace, Watch } from './command.ts'

/**
 * Runs a command. What changes something is on record before anything is changed, and its end after it: a change that
 * cannot be written down is not made.
 * @throws {BursarError} what the command throws; LEDGER_UNAVAILABLE, before anything was changed.
 */
export async function perform<Input, Output>(
  command: AdminCommand<Input, Output>,
  place: AdminPlace,
  input: Input,
  watch?: Watch,
): Promise<Output> {
  if (!changesSomething(command, input)) return command.run(place, input, watch)
  const note = await recorder(command, place)
  await note('asked', input)
  try {
    const output = await command.run(place, input, watch)
    await note('done', output)
    return output
  } catch (error) {
    const code = isBursarError(error) ? error.code : 'UNEXPECTED'
    // Why it failed is what its caller has to hear.
    await note('failed', { code, message: messageOf(error) }).catch(() => {})
    throw error
  }
}

/** Whether it is for the record. Whatever more than a viewer's role may do is, unless the command knows better. */
function changesSomething<Input>(
  { changes, role }: Pick<AdminCommand<Input, unknown>, 'changes' | 'role'>,
  input: Input,
): boolean {
  if (typeof changes === 'function') return changes(input)
  return changes ?? role !== 'viewer'
}

async function recorder({ name }: { readonly name: string }, place: AdminPlace) {
  const { db } = await place.ledger()
  const change = newJobId()
  const by = place.by ?? 'operator'
  return (step: AuditStep, body: unknown): Promise<void> =>
    recordStep(db, {
      ...{ change, step, by, action: name },
      atMs: Date.now(),
      body: withoutSecrets(body),
    })
}
