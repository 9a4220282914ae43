import { z } from 'zod'
import { differencesIn, remake } from '../ledger/cubes/compare.ts'
import { lastMonthMs, stretchesSince } from '../ledger/cubes/stretches.ts'
import type { AdminCommand, AdminPlace, Watch } from './command.ts'
import { nameOf, rowsIn } from './verify/usage-sums.ts'

const count = z.int().min(0)

const RemadeSchema = z.object({
  /** False after a dry run: nothing was changed. */
  applied: z.boolean(),
  /** Calls and requests that were counted anew, and how many sums of them were wrong. */
  ...{ rows: count, wrong: count },
  /** The wrong ones, the first 1,000: `kept/counted` of each measure. */
  changes: z.array(z.object({ sum: z.string(), measures: z.string() }).readonly()).readonly(),
})
export type RemadeUsage = Readonly<z.infer<typeof RemadeSchema>>

const InputSchema = z.strictObject({
  /** From the month of this instant on, UTC ms; absent = from last month on. */
  sinceMs: count.exactOptional(),
  dryRun: z.boolean().default(false),
})
type Input = Readonly<z.infer<typeof InputSchema>>

const MOST_NAMED = 1_000

/**
 * Makes the sums of usage again from their calls where they are wrong, some days at a time, in which the drain waits. Again
 * changes nothing. Of months whose calls retention dropped, only coarser sums are made again from finer ones. Throws
 * LEDGER_UNAVAILABLE.
 */
export const rebuildUsageCommand: AdminCommand<Input, RemadeUsage> = {
  name: 'rebuild-usage',
  role: 'admin',
  summary: 'Makes sums of usage again from their calls; `dryRun: true` only looks.',
  changes: ({ dryRun }) => !dryRun,
  input: InputSchema,
  output: RemadeSchema,
  run: remakeWrong,
}

async function remakeWrong(
  place: AdminPlace,
  { sinceMs, dryRun }: Input,
  watch: Watch = () => {},
): Promise<RemadeUsage> {
  const ledger = await place.ledger()
  const nowMs = Date.now()
  const stretches = await stretchesSince(ledger, { sinceMs: sinceMs ?? lastMonthMs(nowMs), nowMs })
  const total = rowsIn(stretches)
  const changes: { sum: string; measures: string }[] = []
  let [rows, wrong] = [0, 0]
  for (const stretch of stretches) {
    const found = await differencesIn(ledger, stretch)
    if (found.length > 0 && !dryRun) await remake(ledger, stretch)
    wrong += found.length
    const named = found.slice(0, MOST_NAMED - changes.length)
    changes.push(...named.map((one) => ({ sum: nameOf(one), measures: one.measures })))
    rows += stretch.rows
    watch(rows, total, `${wrong} sums were wrong`)
  }
  return { applied: !dryRun, rows, wrong, changes }
}
