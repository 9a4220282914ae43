/** What is counted of cached data; `bytes` are those that were served. */
export const COUNTED = [
  'hits',
  'misses',
  'loaded',
  'joined',
  'stale',
  'unreadable',
  'bytes',
] as const
export type Counted = (typeof COUNTED)[number]
export type Counts = Readonly<Record<Counted, number>>

/** Upper bounds of the times of reads, ms; a last bucket takes what is slower. */
export const BOUNDS_MS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000] as const

/** Stands for whatever took longer than the last bound. */
export const SLOWEST_MS = 10_000

/** Figures of one namespace and tenant. */
export interface Figures {
  readonly namespace: string
  readonly tenant: string
  readonly counts: Counts
  /** Reads by time, a number per bucket of `BOUNDS_MS` and one more. */
  readonly times: readonly number[]
}

/** Tenants beyond those that are told apart. */
export const OTHERS = '(others)'

export const noCounts = (): Record<Counted, number> => ({
  ...{ hits: 0, misses: 0, loaded: 0, joined: 0, stale: 0, unreadable: 0, bytes: 0 },
})
export const noTimes = (): number[] => Array.from({ length: BOUNDS_MS.length + 1 }, () => 0)

/** The bucket of a time. */
export function bucketOf(ms: number): number {
  const found = BOUNDS_MS.findIndex((bound) => ms <= bound)
  return found < 0 ? BOUNDS_MS.length : found
}

/**
 * How long a share of the reads took at most.
 * @param share - 0 to 1.
 * @returns ms, the bound of its bucket, `SLOWEST_MS` for the last one; null when nothing was read.
 */
export function timeAt(times: readonly number[], share: number): number | null {
  const total = times.reduce((sum, one) => sum + one, 0)
  if (total === 0) return null
  let seen = 0
  for (const [bucket, count] of times.entries()) {
    seen += count
    if (seen >= share * total) return BOUNDS_MS[bucket] ?? SLOWEST_MS
  }
  return SLOWEST_MS
}

/** Hits, and what others' loaders made meanwhile, of all that was asked for; null = nothing was. */
export function hitRate({ hits, misses, joined }: Counts): number | null {
  const asked = hits + misses
  return asked === 0 ? null : Math.min((hits + joined) / asked, 1)
}

/** Adds figures up that are filed under the same name. */
export function mergeFigures(
  lines: readonly Figures[],
  nameOf: (line: Figures) => Pick<Figures, 'namespace' | 'tenant'>,
): Figures[] {
  const merged = new Map<string, Figures & { counts: Record<Counted, number>; times: number[] }>()
  for (const line of lines) {
    const name = nameOf(line)
    const at = JSON.stringify([name.namespace, name.tenant])
    const known = merged.get(at) ?? { ...name, counts: noCounts(), times: noTimes() }
    for (const what of COUNTED) known.counts[what] += line.counts[what]
    for (const [bucket, count] of line.times.entries()) {
      known.times[bucket] = (known.times[bucket] ?? 0) + count
    }
    merged.set(at, known)
  }
  return [...merged.values()]
}
