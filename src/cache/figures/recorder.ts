import {
  bucketOf,
  type Counted,
  type Counts,
  type Figures,
  mergeFigures,
  noCounts,
  noTimes,
  OTHERS,
} from './figures.ts'

/** Whose reading it was. */
export interface Reader {
  readonly namespace: string
  readonly tenant: string
}

/** Counts in this process; what was counted since the last look is taken away to be added up with others'. */
export interface Recorder {
  count(reader: Reader, what: Counted, by?: number): void
  /** @param ms - how long a read took. */
  time(reader: Reader, ms: number): void
  /** Since the start, by namespace. */
  totals(): Readonly<Record<string, Counts>>
  /** What was counted since it was asked last. */
  take(): readonly Figures[]
  /** Puts back what could not be passed on. */
  giveBack(lines: readonly Figures[]): void
}

/** More pairs of namespace and tenant are counted together until the next look. */
const MOST_LINES = 500

type Line = Reader & { counts: Record<Counted, number>; times: number[] }

/** @param onCounted - told at each reading: something is there to be taken. */
export function createRecorder(onCounted: () => void = () => {}): Recorder {
  const totals = new Map<string, Record<Counted, number>>()
  let lines = new Map<string, Line>()

  function lineOf({ namespace, tenant }: Reader): Line {
    const name = JSON.stringify([namespace, tenant])
    const known = lines.get(name)
    if (known) return known
    if (lines.size >= MOST_LINES && tenant !== OTHERS) return lineOf({ namespace, tenant: OTHERS })
    const line = { namespace, tenant, counts: noCounts(), times: noTimes() }
    lines.set(name, line)
    return line
  }

  return {
    count(reader, what, by = 1) {
      const total = totals.get(reader.namespace) ?? noCounts()
      total[what] += by
      totals.set(reader.namespace, total)
      lineOf(reader).counts[what] += by
      onCounted()
    },
    time(reader, ms) {
      const { times } = lineOf(reader)
      const bucket = bucketOf(ms)
      times[bucket] = (times[bucket] ?? 0) + 1
    },
    totals: () => Object.fromEntries([...totals].map(([name, counts]) => [name, { ...counts }])),
    take() {
      const taken = [...lines.values()]
      lines = new Map()
      return taken
    },
    giveBack(taken) {
      const all = mergeFigures([...lines.values(), ...taken], ({ namespace, tenant }) => ({
        namespace,
        tenant,
      }))
      lines = new Map()
      for (const one of all.slice(0, MOST_LINES)) {
        lines.set(JSON.stringify([one.namespace, one.tenant]), {
          ...one,
          counts: { ...one.counts },
          times: [...one.times],
        })
      }
    },
  }
}
