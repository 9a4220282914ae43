/** What a bench measured: rates per second, milliseconds, ratios. */
export type Figures = Readonly<Record<string, number | string>>

export interface BenchOptions {
  /** How long each thing is measured. */
  readonly seconds: number
  /** How many people ask at a time; absent = the bench's own. */
  readonly users?: number
  /** Size of a ledger, calls; absent = the bench's own, which takes a minute. */
  readonly entries?: number
  /** An address of a database that is used and kept; absent = a private server that ends with the bench. */
  readonly database?: string
  /** Progress for a person, on stderr. */
  readonly note: (text: string) => void
  /** Folder in which @portkey-ai/gateway is installed; absent = nobody has one. */
  readonly portkey?: string
  /** Whether it may be installed into a temporary folder. */
  readonly installs?: boolean
}

export type Bench = (options: BenchOptions) => Promise<Figures>

export interface Rival {
  readonly name: string
  readonly work: () => Promise<unknown>
  /** Awaited before the next rival's turn: what the work leaves to be done. */
  readonly finish?: () => Promise<unknown>
}

/** Runs a rival's work in `lanes` loops for a while. @returns calls per second. */
async function perSecond(lanes: number, seconds: number, { work, finish }: Rival): Promise<number> {
  const loop = async (untilMs: number): Promise<number> => {
    let calls = 0
    while (performance.now() < untilMs) {
      await work()
      calls += 1
    }
    return calls
  }
  const startMs = performance.now()
  const counts = await Promise.all(
    Array.from({ length: lanes }, () => loop(startMs + seconds * 1_000)),
  )
  const tookMs = performance.now() - startMs
  await finish?.()
  return counts.reduce((sum, count) => sum + count, 0) / (tookMs / 1_000)
}

/** Rates of rivals, calls per second. */
export interface Compared {
  /** The median of each. */
  readonly rates: Readonly<Record<string, number>>
  /** The median of how one's rate was to another's in the same turn: the machine was alike for both. */
  ratio(of: string, to: string): number
}

interface Turns {
  readonly lanes: number
  /** How long each rival is measured, all turns together. */
  readonly seconds: number
  readonly rounds: number
}

/** Measures rivals in turn, A B A B ..., so that a machine that slows down slows all of them. */
export async function compareTurns(
  rivals: readonly Rival[],
  { lanes, seconds, rounds }: Turns,
): Promise<Compared> {
  const turns = new Map<string, number[]>(rivals.map(({ name }) => [name, []]))
  const secondsEach = seconds / rounds
  for (const rival of rivals) await perSecond(lanes, secondsEach, rival)
  for (let round = 0; round < rounds; round += 1) {
    for (const rival of rivals) {
      turns.get(rival.name)?.push(await perSecond(lanes, secondsEach, rival))
    }
  }
  const ratesOf = (name: string) => turns.get(name) ?? []
  return {
    rates: Object.fromEntries([...turns].map(([name, all]) => [name, median(all)])),
    ratio(of, to) {
      const base = ratesOf(to)
      return median(ratesOf(of).map((rate, turn) => rate / (base[turn] ?? Number.NaN)))
    },
  }
}

/** @returns the median rate of each, calls per second. */
export const compare = async (
  rivals: readonly Rival[],
  turns: Turns,
): Promise<Readonly<Record<string, number>>> => (await compareTurns(rivals, turns)).rates

/** @returns NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

export const round = (value: number, digits = 3): number => Number(value.toFixed(digits))
