import { z } from 'zod'
import {
  type CloseAdjustment,
  type ClosePart,
  type CloseSum,
  closeAdjustmentsOf,
  closeParts,
  listCloses,
} from '../ledger/closes/list.ts'
import { CLOSE_PERIODS, CLOSE_REASONS } from '../ledger/tables/closes.ts'
import { closePeriods, completeUntil, periodsIn, timezonesOf } from '../schedule/closes.ts'
import { policyInForce } from './budget/policy-in-force.ts'
import type { AdminCommand, AdminPlace, Watch } from './command.ts'

const atMs = z.int().min(0)
const count = z.int().min(0)
const nano = z.int()
const per = z.enum(CLOSE_PERIODS)
const timezone = z.string().min(1).max(100)

const CloseSchema = z.object({
  period: per,
  ...{ window: z.string(), timezone: z.string() },
  /** ISO 8601. */
  ...{ startsAt: z.string(), endsAt: z.string(), sealedAt: z.string() },
  sealedBy: z.string(),
  ...{ calls: z.int(), requests: z.int() },
  /** As sealed, nano-USD, and what came since. */
  ...{ costNano: nano, listNano: nano, adjustedNano: nano },
})
const ListSchema = z.object({ closes: z.array(CloseSchema).readonly() })
export type ClosesView = Readonly<z.infer<typeof ListSchema>>

const PartSchema = z.object({
  ...{ tenant: z.string(), tier: z.string(), model: z.string() },
  ...{ calls: z.int(), costNano: nano, listNano: nano },
})
const ShownSchema = z.object({
  lines: z.array(PartSchema).readonly(),
  adjustments: z
    .array(
      PartSchema.extend({
        /** Numbers the looks that found something. */
        n: count,
        reason: z.enum(CLOSE_REASONS),
        adjustedAt: z.string(),
      }),
    )
    .readonly(),
})
export type CloseView = Readonly<z.infer<typeof ShownSchema>>

const ClosedSchema = z.object({
  /** Periods that are sealed now and were not, and adjustments that were written to those that were. */
  ...{ sealed: count, adjusted: count },
  /** Periods that were looked at; those that have not ended, or not settled, are left out. */
  periods: count,
})
export type ClosedView = Readonly<z.infer<typeof ClosedSchema>>

const ListInput = z.strictObject({
  fromMs: atMs.default(0),
  toMs: atMs.default(Number.MAX_SAFE_INTEGER),
  limit: z.int().min(1).max(10_000).default(60),
})
const ShowInput = z.strictObject({ period: per, window: z.string().min(1).max(40), timezone })
const CloseInput = z.strictObject({
  ...{ fromMs: atMs, toMs: atMs },
  /** Absent = those of the policy. */
  timezone: timezone.exactOptional(),
})

/** Sealed days and months, the newest first. Throws LEDGER_UNAVAILABLE. */
export const closesList: AdminCommand<z.infer<typeof ListInput>, ClosesView> = {
  name: 'closes-list',
  summary: 'Days and months whose totals are sealed, and what came since.',
  role: 'viewer',
  input: ListInput,
  output: ListSchema,
  async run(place, wanted) {
    return { closes: (await listCloses(await place.ledger(), wanted)).map(view) }
  },
}

/** The lines of one sealed period and its adjustments. Throws LEDGER_UNAVAILABLE. */
export const closesShow: AdminCommand<z.infer<typeof ShowInput>, CloseView> = {
  name: 'closes-show',
  summary:
    'The lines of a sealed day or month by tenant, tier and model, and each adjustment by its reason.',
  role: 'viewer',
  input: ShowInput,
  output: ShownSchema,
  async run(place, wanted) {
    const ledger = await place.ledger()
    const [lines, adjustments] = [
      await closeParts(ledger, wanted),
      await closeAdjustmentsOf(ledger, wanted),
    ]
    return { lines: lines.map(part), adjustments: adjustments.map(adjustment) }
  },
}

/** Seals the days and months of a time that ended, and looks at those that are sealed again. Again changes nothing. */
export const closesClose: AdminCommand<z.infer<typeof CloseInput>, ClosedView> = {
  name: 'closes-close',
  summary: 'Seal the days and months of a time; name what came late to those that are sealed.',
  role: 'finance',
  barFrom: 10,
  input: CloseInput,
  output: ClosedSchema,
  run: close,
}

async function close(
  place: AdminPlace,
  { timezone: only, ...range }: z.infer<typeof CloseInput>,
  watch?: Watch,
): Promise<ClosedView> {
  const ledger = await place.ledger()
  const zones = only === undefined ? timezonesOf(await policyInForce(place)) : [only]
  const nowMs = Date.now()
  const completeUntilMs = await completeUntil(ledger, (await place.slot()).outbox, nowMs)
  const span = { fromMs: range.fromMs, toMs: Math.min(range.toMs, nowMs) }
  const periods = zones.flatMap((zone) =>
    CLOSE_PERIODS.flatMap((one) =>
      periodsIn(one, zone, span).filter(({ startMs }) => startMs >= span.fromMs),
    ),
  )
  const by = place.by ?? 'operator'
  const onDone = (done: number, total: number) => watch?.(done, total, 'periods')
  const closed = await closePeriods(ledger, { periods, completeUntilMs, by, onDone })
  return { ...closed, periods: periods.length }
}

const iso = (ms: number): string => new Date(ms).toISOString()

const view = ({
  startMs,
  endMs,
  sealedAtMs,
  ...close
}: CloseSum): ClosesView['closes'][number] => ({
  ...close,
  ...{ startsAt: iso(startMs), endsAt: iso(endMs), sealedAt: iso(sealedAtMs) },
})

const part = ({ tenant, tier, model, calls, costNano, listNano }: ClosePart) => ({
  ...{ tenant, tier, model, calls, costNano, listNano },
})

const adjustment = (one: CloseAdjustment): CloseView['adjustments'][number] => ({
  ...part(one),
  ...{ n: one.n, reason: one.reason, adjustedAt: iso(one.adjustedAtMs) },
})
