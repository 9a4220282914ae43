import { z } from 'zod'
import { DimensionSchema, FiltersSchema } from '../../ledger/questions/dimensions.ts'
import { PeriodSchema, type ResolvedPeriod, resolvePeriod } from '../../ledger/questions/period.ts'
import type { Range } from '../../ledger/questions/pieces.ts'

/** What every question about usage may say. */
export const UsageInput = PeriodSchema.extend({
  /** Dimensions, or `tag:<name>`; each combination of their values is one row. */
  by: z.array(DimensionSchema).max(3).default([]),
  where: FiltersSchema.default({}),
  /** How many rows are told, the dearest first; what the others have is in the total. */
  top: z.int().min(1).max(10_000).default(20),
  /** Whether the period before is told, too. */
  before: z.boolean().default(true),
  /** UTC ms: which day is today; absent = by the clock. */
  atMs: z.int().min(0).exactOptional(),
})
export type UsageQuestion = Readonly<z.infer<typeof UsageInput>>

const instant = z.string()
const between = z.object({ from: instant, to: instant })

/** What was asked about, and what of it was added up: full hours or days of UTC. Instants in ISO 8601. */
export const AskedPeriodSchema = between.extend({
  name: z.string(),
  timezone: z.string(),
  /** null = it is not told. */
  before: between.nullable(),
})
export type AskedPeriod = Readonly<z.infer<typeof AskedPeriodSchema>>

/** A person who asks when no clock is at hand: the day is the machine's. */
const clockMs = (): number => Date.now()

/** @throws {BursarError} INVALID_ARGUMENT for a period that nobody knows. */
export const periodOf = (question: UsageQuestion): ResolvedPeriod => {
  const { period, from, to, timezone, atMs = clockMs() } = question
  const asked = {
    ...(period === undefined ? {} : { period }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(timezone === undefined ? {} : { timezone }),
  }
  return resolvePeriod(asked, atMs)
}

/** Ranges of a question as the ledger takes them. */
export const rangesOf = (question: UsageQuestion, { range, before }: ResolvedPeriod) => ({
  range,
  ...(question.before ? { before } : {}),
})

/** What was added up, in words that travel. */
export const askedPeriod = (
  { name, timezone }: ResolvedPeriod,
  { range, before }: { readonly range: Range; readonly before: Range | null },
): AskedPeriod => ({ name, timezone, ...isoOf(range), before: before && isoOf(before) })

const isoOf = ({ fromMs, toMs }: Range) => ({
  from: new Date(fromMs).toISOString(),
  to: new Date(toMs).toISOString(),
})

/** Groups and their total, each beside the period before where that was asked for; `sums` = what is told of each. */
export const comparedAnswer = <Sums extends z.ZodType>(sums: Sums) => {
  const compared = { now: sums, before: sums.nullable() }
  return z.object({
    period: AskedPeriodSchema,
    by: z.array(z.string()),
    /** Highest first; a value of '' is not known, or there is none. */
    rows: z.array(z.object({ group: z.array(z.string()), ...compared })),
    total: z.object(compared),
    /** How many rows there are, told or not. */
    groups: z.int(),
  })
}
