import { createInterface } from 'node:readline/promises'
import { BursarError } from '../../errors.ts'
import type { CliContext } from '../command.ts'

/**
 * Asks a person before something is dropped for good.
 * @throws {BursarError} INVALID_ARGUMENT when nobody sits there to be asked, CANCELLED when the answer is not yes.
 */
export async function confirm(warning: string, { output, signal }: CliContext): Promise<void> {
  if (!output.interactive || !process.stdin.isTTY) {
    throw new BursarError('INVALID_ARGUMENT', `${warning} Say --yes to do it.`)
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await lines.question(`${warning} Type yes to go on: `, { signal })
    if (answer.trim().toLowerCase() !== 'yes') {
      throw new BursarError('CANCELLED', 'nothing was dropped')
    }
  } finally {
    lines.close()
  }
}
