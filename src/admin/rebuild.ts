import { z } from 'zod'
import { BursarError } from '../errors.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { windowDifferences } from '../ledger/queries/disagreements.ts'
import { isWrong, rebuildCounters } from '../ledger/rebuild.ts'
import type { AdminCommand, AdminPlace } from './command.ts'

const count = z.int().min(0)
/** What a counter says, nano-USD. */
const CountedSchema = z.object({ spentNano: z.int(), heldNano: z.int() }).readonly()

const RebuiltSchema = z.object({
  /** False after a dry run: nothing was changed. */
  applied: z.boolean(),
  /** Counters that were looked at, and how many of them were wrong. */
  ...{ windows: count, wrong: count },
  /** The wrong ones, the first 1,000. */
  changes: z
    .array(z.object({ key: z.string(), before: CountedSchema, after: CountedSchema }).readonly())
    .readonly(),
})
export type Rebuilt = Readonly<z.infer<typeof RebuiltSchema>>

const InputSchema = z.strictObject({ dryRun: z.boolean().default(false) })

const PAGE_WINDOWS = 1_000
const MOST_NAMED = 1_000

/**
 * Makes every counter again from the ledger, beside any traffic; again changes nothing more. Throws LEDGER_CONFLICT when
 * the ledger's own sums are wrong, SLOT_CLOSED, STORE_UNAVAILABLE, LEDGER_UNAVAILABLE.
 */
export const rebuildCommand: AdminCommand<Readonly<z.infer<typeof InputSchema>>, Rebuilt> = {
  name: 'rebuild',
  role: 'admin',
  summary: 'Makes the counters again from the ledger; `dryRun: true` only looks.',
  changes: ({ dryRun }) => !dryRun,
  input: InputSchema,
  output: RebuiltSchema,
  run: (place, { dryRun }) => rebuildAll(place, !dryRun),
}

async function rebuildAll(place: AdminPlace, apply: boolean): Promise<Rebuilt> {
  const [ledger, slot, store] = [await place.ledger(), await place.slot(), await place.repair()]
  await assertSound(ledger)
  let changes: Rebuilt['changes'] = []
  const done = { applied: apply, windows: 0, wrong: 0 }
  for await (const keys of slot.windows(Number.NEGATIVE_INFINITY, PAGE_WINDOWS)) {
    const windows = await rebuildCounters({ store, ledger, apply }, keys)
    const wrong = windows.filter(isWrong)
    done.windows += windows.length
    done.wrong += wrong.length
    changes = [...changes, ...wrong].slice(0, MOST_NAMED)
  }
  return { ...done, changes }
}

/** Counters are made from totals that the drain keeps: they must be what the postings add up to. */
async function assertSound(ledger: Ledger): Promise<void> {
  const wrong = await windowDifferences(ledger)
  if (wrong.length === 0) return
  const keys = wrong.map(({ key }) => key)
  throw new BursarError(
    'LEDGER_CONFLICT',
    `the ledger's totals of ${keys.slice(0, 5).join(', ')} are not the sums of their postings, so no counter can be made from them: bursar verify names each; restore the table window_totals first`,
    { detail: { windows: keys.slice(0, MOST_NAMED) } },
  )
}
