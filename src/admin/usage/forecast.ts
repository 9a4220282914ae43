import { z } from 'zod'
import type { WindowState } from '../../admission/commands.ts'
import { splitWindowKey } from '../../admission/outbox.ts'
import { BASES } from '../../insight/season.ts'
import { timezoneOf, windowForecast } from '../../ledger/questions/window-forecast.ts'
import { policyInForce } from '../budget/policy-in-force.ts'
import type { AdminCommand, AdminPlace } from '../command.ts'

const nano = z.int()
const instant = z.string()

/** What a window will have cost at its end, and when its money is used up. Instants in ISO 8601. */
const ForecastSchema = z.object({
  ...{ budget: z.string(), window: z.string(), timezone: z.string() },
  ...{ startsAt: instant, endsAt: instant },
  /** What is held counts as spent. */
  ...{ limitNano: nano, spentNano: nano },
  warnOnly: z.boolean(),
  /** Of `none` the figures say nothing: nobody has spent, or the cubes do not know the budget apart. */
  basis: z.enum(BASES),
  historyHours: z.int(),
  ...{ expectedNano: nano, lowNano: nano, highNano: nano },
  /** How often the truth lies between low and high, 0..1. */
  confidence: z.number(),
  /** What the figures are for: the window's end, or a year from now. */
  until: instant,
  /** If all goes as expected; null = not before `until`. */
  runsDryAt: instant.nullable(),
  /** At the high end of the interval. */
  runsDryEarliestAt: instant.nullable(),
  points: z.array(z.object({ at: instant, expectedNano: nano, lowNano: nano, highNano: nano })),
})
export type WindowForecast = Readonly<z.infer<typeof ForecastSchema>>

const InputSchema = z.strictObject({
  /** Name as lists show it, `company` or `tenants/acme`; absent = the fullest of all. */
  budget: z.string().exactOptional(),
  top: z.int().min(1).max(100).default(20),
})
type Question = Readonly<z.infer<typeof InputSchema>>

const AnswerSchema = z.object({
  /** Who runs dry first, first; then the fullest. Empty when no window is open. */
  windows: z.array(ForecastSchema),
  /** How many windows are open of those asked for. */
  open: z.int(),
})
export type ForecastAnswer = Readonly<z.infer<typeof AnswerSchema>>

/** How budget windows that are open will end. Throws STORE_UNAVAILABLE, LEDGER_UNAVAILABLE, POLICY_MISSING. */
export const usageForecast: AdminCommand<Question, ForecastAnswer> = {
  name: 'usage-forecast',
  role: 'viewer',
  summary: 'How open budget windows will end, with an interval, and when their money is used up.',
  input: InputSchema,
  output: AnswerSchema,
  run: answer,
}

async function answer(place: AdminPlace, { budget, top }: Question): Promise<ForecastAnswer> {
  const slot = await place.slot()
  const nowMs = await slot.now()
  const open: WindowState[] = []
  for await (const keys of slot.windows(nowMs)) {
    const wanted = keys.filter(
      (key) => budget === undefined || splitWindowKey(key).budget === budget,
    )
    const states = await slot.peek(wanted)
    open.push(...states.filter((state) => state !== null))
  }
  const [ledger, policy] = [await place.ledger(), await policyInForce(place)]
  const windows: WindowForecast[] = []
  for (const state of open.toSorted(byFullness).slice(0, top)) {
    const { budget: name, window } = splitWindowKey(state.key)
    const { untilMs, runsDryAtMs, runsDryEarliestMs, points, ...told } = await windowForecast(
      ...([ledger, policy, state, nowMs] as const),
    )
    windows.push({
      ...{ budget: name, window, timezone: timezoneOf(policy, name) },
      ...{ startsAt: iso(state.startMs), endsAt: iso(state.endMs) },
      ...{ limitNano: state.limitNano, spentNano: state.spentNano + state.heldNano },
      warnOnly: state.warnOnly ?? false,
      ...told,
      until: iso(untilMs),
      runsDryAt: isoOrNull(runsDryAtMs),
      runsDryEarliestAt: isoOrNull(runsDryEarliestMs),
      points: points.map(({ atMs, ...point }) => ({ at: iso(atMs), ...point })),
    })
  }
  return { windows: windows.toSorted(byDrought), open: open.length }
}

/** Dates end here; a budget for good does not. */
const LAST_MS = 8.64e15
const iso = (atMs: number): string => new Date(Math.min(atMs, LAST_MS)).toISOString()
const isoOrNull = (atMs: number | null): string | null => (atMs === null ? null : iso(atMs))

const fullness = ({ spentNano, heldNano, limitNano }: WindowState): number =>
  limitNano === 0 ? 0 : (spentNano + heldNano) / limitNano
const byFullness = (a: WindowState, b: WindowState): number =>
  fullness(b) - fullness(a) || (a.key < b.key ? -1 : 1)

const NEVER = '~'
const byDrought = (a: WindowForecast, b: WindowForecast): number => {
  const [first, second] = [a.runsDryAt ?? NEVER, b.runsDryAt ?? NEVER]
  return first === second ? 0 : first < second ? -1 : 1
}
