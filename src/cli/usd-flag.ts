import { InvalidArgumentError } from 'commander'
import { messageOf } from '../errors.ts'
import { parseUsd } from '../money/usd.ts'

/** Parser of an amount such as 12.50. @returns nano-USD. */
export function usd(text: string): number {
  try {
    return parseUsd(text)
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error))
  }
}
