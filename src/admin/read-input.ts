import { z } from 'zod'
import { BursarError } from '../errors.ts'
import type { AdminCommand } from './command.ts'

/** Reads what somebody asks a command. @throws {BursarError} INVALID_REQUEST naming each mistake. */
export function readInput<Input>(
  { name, input }: Pick<AdminCommand<Input, unknown>, 'name' | 'input'>,
  given: unknown,
): Input {
  const parsed = input.safeParse(given)
  if (parsed.success) return parsed.data
  throw new BursarError('INVALID_REQUEST', `${name}: ${z.prettifyError(parsed.error)}`)
}
