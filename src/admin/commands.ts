import { z } from 'zod'
import { BursarError } from '../errors.ts'
import type { AdminCommand, AdminPlace, AdminRole } from './command.ts'
import { keysCreate, keysList, keysRevoke, keysRotate } from './keys.ts'
import { parkedCommand } from './parked/parked.ts'
import { reportCommand } from './report/report.ts'
import { verifyCommand } from './verify/verify.ts'

/** A command whose input nobody has looked at yet. */
export interface AskedCommand {
  readonly name: string
  readonly role: AdminRole
  /** @throws {BursarError} INVALID_REQUEST naming each mistake, and what the command throws. */
  answer(place: AdminPlace, input: unknown): Promise<unknown>
}

const asked = <Input, Output>(command: AdminCommand<Input, Output>): AskedCommand => ({
  name: command.name,
  role: command.role,
  answer: async (place, input) => command.run(place, read(command, input)),
})

function read<Input>({ name, input }: AdminCommand<Input, unknown>, given: unknown): Input {
  const parsed = input.safeParse(given)
  if (parsed.success) return parsed.data
  throw new BursarError('INVALID_REQUEST', `${name}: ${z.prettifyError(parsed.error)}`)
}

/** Everything an operator may ask a running process. A new command is one line here. */
export const ADMIN_COMMANDS: readonly AskedCommand[] = [
  asked(reportCommand),
  asked(verifyCommand),
  asked(parkedCommand),
  asked(keysCreate),
  asked(keysList),
  asked(keysRotate),
  asked(keysRevoke),
]
