import type { Chain, LimitLine, RungOffer, WindowLine } from '../plan-lines.ts'

/** A line of a plan, and the rungs that it governs, ascending; null = every one. */
export interface Governed<Line> {
  readonly line: Line
  readonly rungs: readonly number[] | null
}

/** The lines of a plan; each offer names its chain where not every line governs every rung. */
export interface Chained {
  readonly windows: readonly WindowLine[]
  readonly limits: readonly LimitLine[]
  readonly chains: readonly Chain[]
  readonly offers: readonly RungOffer[]
}

const governs = ({ rungs }: Governed<unknown>, rung: number): boolean =>
  rungs === null || rungs.includes(rung)

const placesFor = (lines: readonly Governed<unknown>[], rung: number): number[] =>
  [...lines.keys()].filter((place) => {
    const line = lines[place]
    return line !== undefined && governs(line, rung)
  })

/** Tells each rung what governs it. Rungs that are governed alike share a chain. */
export function chained(
  windows: readonly Governed<WindowLine>[],
  limits: readonly Governed<LimitLine>[],
  offers: readonly RungOffer[],
): Chained {
  const lines = { windows: windows.map(({ line }) => line), limits: limits.map(({ line }) => line) }
  if ([...windows, ...limits].every(({ rungs }) => rungs === null)) {
    return { ...lines, chains: [], offers }
  }
  const numbers = new Map<string, number>()
  const chains: Chain[] = []
  const paid = offers.map((offer, rung) => {
    const chain = { windows: placesFor(windows, rung), limits: placesFor(limits, rung) }
    const name = `${chain.windows.join()};${chain.limits.join()}`
    const known = numbers.get(name)
    if (known !== undefined) return { ...offer, chain: known }
    numbers.set(name, chains.length)
    return { ...offer, chain: chains.push(chain) - 1 }
  })
  return { ...lines, chains, offers: paid }
}
