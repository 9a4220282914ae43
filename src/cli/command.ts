import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import type { Output } from './output.ts'

/** What every command is given; none reads the process itself. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly output: Output
  /** Aborted by the first SIGINT or SIGTERM: a long-running command then drains and returns. */
  readonly signal: AbortSignal
}

/**
 * Adds one command to the program. Its action loads what it needs by `await import()`, so that `--help` stays quick,
 * and reports a failure by throwing, or by `CommandFailed` when it has printed it already.
 */
export type Registration = (program: Command, context: CliContext) => void

/** Ends the process with exit code 1 and prints nothing: the command has said what is wrong. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
}

/** Resolves when the signal aborts; at once when it already has. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** Parser of an option that takes a whole number within bounds, both included. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`)
  }
}

/** Parser of a comma-separated list of distinct names out of `known`, e.g. `completions,ledger`. */
export function listOf<const Name extends string>(
  known: readonly Name[],
): (text: string) => readonly Name[] {
  const isKnown = (name: string): name is Name => known.some((one) => one === name)
  return (text) => {
    const names = [...new Set(text.split(',').map((name) => name.trim()))]
    if (names.every(isKnown)) return names
    throw new InvalidArgumentError(`Give one or more of ${known.join(', ')}, separated by commas.`)
  }
}
