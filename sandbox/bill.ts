import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs'

/** One billed call. Token counts are disjoint: `input` excludes cached and cache_write, `output` excludes reasoning. */
export interface BillLine {
  /** Unix ms. */
  readonly ts: number
  readonly id: string
  readonly model: string
  readonly service_tier: string
  readonly kind: string
  readonly input: number
  readonly cached: number
  readonly cache_write: number
  readonly output: number
  readonly reasoning: number
  /** Nano-USD. */
  readonly nano: number
  /** The caller's `x-bursar-attempt`, '' when it sent none. */
  readonly attempt: string
}

export interface Bill {
  /** Writes the line through to the file before it returns: a killed process forgets nothing it answered. */
  charge(line: BillLine): void
  readonly totalNano: number
  readonly calls: number
  /** UTC day number -> model -> nano-USD. */
  readonly days: ReadonlyMap<number, ReadonlyMap<string, number>>
  close(): void
}

export const DAY_MS = 86_400_000

/** @throws {Error} a line of an earlier run cannot be read. */
function readLines(file: string): BillLine[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.flatMap((line, index) => {
    if (line === '') return []
    try {
      return [JSON.parse(line) as BillLine]
    } catch (cause) {
      throw new Error(`${file}: line ${index + 1} is no JSON; move the file away`, { cause })
    }
  })
}

/** Opens the bill, and goes on with it when the file is there already. Without a file it is kept in memory alone. */
export function openBill(file?: string): Bill {
  const days = new Map<number, Map<string, number>>()
  let totalNano = 0
  let calls = 0
  const add = (line: BillLine): void => {
    const day = Math.floor(line.ts / DAY_MS)
    const models = days.get(day) ?? new Map<string, number>()
    days.set(day, models.set(line.model, (models.get(line.model) ?? 0) + line.nano))
    totalNano += line.nano
    calls += 1
  }
  if (file) for (const line of readLines(file)) add(line)
  const fd = file ? openSync(file, 'a') : null
  return {
    charge(line) {
      if (fd !== null) writeSync(fd, `${JSON.stringify(line)}\n`)
      add(line)
    },
    get totalNano() {
      return totalNano
    },
    get calls() {
      return calls
    },
    days,
    close() {
      if (fd !== null) closeSync(fd)
    },
  }
}
