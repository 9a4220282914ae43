import { parseArgs } from 'node:util'

/** How long and how hard. */
export interface ChaosOptions {
  readonly seconds: number
  /** Worker processes. */
  readonly workers: number
  readonly seed: number
  /** One JSON line on stdout instead of a table. */
  readonly json: boolean
  /** Leaves the folder with bill, policy and logs behind. */
  readonly keep: boolean
}

export const USAGE = 'chaos [--minutes N | --seconds N] [--workers N] [--seed N] [--json] [--keep]'

const FLAGS = {
  minutes: { type: 'string' },
  seconds: { type: 'string' },
  workers: { type: 'string', default: '8' },
  seed: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
} as const

/** @throws {Error} naming the flag that cannot be read. */
export function readChaosOptions(args: readonly string[]): ChaosOptions {
  const { values } = parseArgs({ args: [...args], options: FLAGS })
  const { minutes, seconds, workers, seed, json, keep } = values
  const wanted = seconds ? amount('seconds', seconds) : amount('minutes', minutes ?? '0.5') * 60
  return {
    seconds: wanted,
    workers: whole('workers', workers),
    seed: whole('seed', seed),
    json,
    keep,
  }
}

function amount(name: string, text: string): number {
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  throw new Error(`--${name} must be a number above 0, not "${text}"`)
}

function whole(name: string, text: string): number {
  const value = amount(name, text)
  if (Number.isSafeInteger(value)) return value
  throw new Error(`--${name} must be a whole number above 0, not "${text}"`)
}
