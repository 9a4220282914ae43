import { existsSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { z } from 'zod'
import { createOutput } from '../../src/cli/output.ts'
import { createProgram } from '../../src/cli/run.ts'

/** Text of a file of the project, by its path from the root. */
export const readHouse = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

export const houseHas = (path: string): boolean =>
  existsSync(new URL(`../../${path}`, import.meta.url))

const PackageJson = z.object({
  type: z.string(),
  engines: z.record(z.string(), z.string()),
  bin: z.record(z.string(), z.string()),
  scripts: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
})

export const packageJson = () => PackageJson.parse(JSON.parse(readHouse('package.json')))

const program = createProgram(
  {
    env: {},
    output: createOutput({ stdout: process.stdout, stderr: process.stderr, colour: false }),
    signal: new AbortController().signal,
  },
  '0.0.0',
)

function faultOfFlag(command: Command, word: string, value: string | undefined): string | null {
  const option = command.options.find(({ long }) => long === word)
  if (!option) return `bursar ${command.name()} has no option ${word}`
  if (!option.required) return null
  if (value === undefined) return `${word} needs a value`
  try {
    option.parseArg?.(value, undefined)
    return null
  } catch (error) {
    return String(error)
  }
}

/** Every command that a person may type first; those for our own processes are hidden. */
export const commandNames = (): string[] =>
  program
    .createHelp()
    .visibleCommands(program)
    .map((command) => command.name())
    .filter((name) => name !== 'help')

/** Looks whether the command line understands these words, without running them. @returns null when it does. */
export function faultOfWords(words: readonly string[], parent: Command = program): string | null {
  const [name, ...rest] = words
  if (name === undefined || name === '--help' || name === '--version') return null
  const command = parent.commands.find((one) => one.name() === name)
  if (!command) return `${parent.name()} has no command ${name}`
  const isGroup = command.commands.length > 0 && !rest[0]?.startsWith('--')
  if (isGroup) return faultOfWords(rest, command)
  const faults = rest.map((word, at) =>
    word.startsWith('--') ? faultOfFlag(command, word, rest[at + 1]) : null,
  )
  return faults.find((fault) => fault !== null) ?? null
}
