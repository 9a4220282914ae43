import { z } from 'zod'
import { lastMonthMs, stretchesSince } from '../../ledger/cubes/stretches.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { monthOf } from '../../ledger/partitions.ts'
import { ledgerSizes } from '../../ledger/queries/disagreements.ts'
import { readSlotRow } from '../../ledger/slot-row.ts'
import type { AdminCommand, AdminPlace, Watch } from '../command.ts'
import type { ReadSlot } from '../place/read-slot.ts'
import { BillSumsSchema } from './bill-sums.ts'
import { BillCheckSchema, compareBill } from './compare-bill.ts'
import { checkCounters } from './counters.ts'
import { Findings, FoundSchema } from './findings.ts'
import { checkHolds } from './holds.ts'
import { countWaiting } from './outbox.ts'
import { checkOwnSums, PAGE_POSTINGS } from './own-sums.ts'
import { checkUsageSums, rowsIn } from './usage-sums.ts'

const count = z.int().min(0)

const VerificationSchema = FoundSchema.extend({
  ledger: z.object({ entries: count, postings: count, windows: count }),
  /** From when on the sums of usage were held against calls and requests (ISO 8601), and how many those are. */
  usage: z.object({ since: z.string(), rows: count }),
  /** null = there is no open slot to compare with. */
  slot: z
    .object({
      windows: count,
      moving: count,
      open: count,
      waiting: z.object({ entries: count, postings: count, nano: z.int() }),
    })
    .nullable(),
  /** null = no bill was given. */
  bill: BillCheckSchema.nullable(),
})
export type Verification = Readonly<z.infer<typeof VerificationSchema>>

const InputSchema = z.strictObject({
  bill: BillSumsSchema.nullable(),
  /** The sums of usage are looked at from the month of this instant on, UTC ms; absent = from last month on. */
  usageSinceMs: z.int().min(0).exactOptional(),
})
type Input = Readonly<z.infer<typeof InputSchema>>

/**
 * Holds the books against each other: counters, ledger, sums of usage, holds and, when given, the sandbox's bill. Reads only.
 * Throws INVALID_OPTIONS, STORE_UNAVAILABLE, LEDGER_UNAVAILABLE, LEDGER_NOT_MIGRATED.
 */
export const verifyCommand: AdminCommand<Input, Verification> = {
  name: 'verify',
  role: 'viewer',
  summary: 'What does not agree: counters with the ledger, the ledger with a bill.',
  input: InputSchema,
  output: VerificationSchema,
  run: verifyBooks,
}

async function verifyBooks(
  place: AdminPlace,
  { bill: sums, usageSinceMs }: Input,
  watch: Watch = () => {},
): Promise<Verification> {
  const [ledger, slot] = [await place.ledger(), await place.slot()]
  const findings = new Findings()
  const sizes = await ledgerSizes(ledger)
  const nowMs = Date.now()
  const sinceMs = usageSinceMs ?? lastMonthMs(nowMs)
  const stretches = await stretchesSince(ledger, { sinceMs, nowMs })
  const usage = { since: new Date(monthOf(sinceMs).fromMs).toISOString(), rows: rowsIn(stretches) }
  const total = sizes.postings + usage.rows + (sums === null ? 0 : sizes.entries)
  let done = 0
  const onRows = (rows: number, text: string) => {
    done = Math.min(done + rows, total)
    watch(done, total, text)
  }
  const compared = await compareSlot(slot, ledger, findings)
  await checkOwnSums(ledger, findings, () => onRows(PAGE_POSTINGS, 'entries and their postings'))
  done = Math.min(done, sizes.postings)
  await checkUsageSums(ledger, stretches, findings, (rows) => onRows(rows, 'sums of usage'))
  const before = done
  const bill =
    sums &&
    (await compareBill(sums, slot, ledger, findings, (rows) =>
      watch(Math.min(before + rows, total), total, 'entries and the bill'),
    ))
  watch(total, total, '')
  return { ...findings.all(), ledger: sizes, usage, slot: compared, bill }
}

async function compareSlot(slot: ReadSlot, ledger: Ledger, findings: Findings) {
  const [state, row] = [await slot.outbox.slot(), await readSlotRow(ledger)]
  const isNew = row.epoch === 0 && row.watermark === '0'
  if (!state) {
    if (!isNew)
      findings.add('slot-missing', 'slot', `the ledger has read it up to ${row.watermark}`)
    return null
  }
  if (state.epoch !== row.epoch) {
    const found = `epoch ${state.epoch} in the slot, ${row.epoch} in the ledger`
    findings.add('slot-foreign', 'slot', found)
    return null
  }
  const counters = await checkCounters(slot, ledger, findings)
  const holds = await checkHolds(slot, findings)
  const { watermark } = await readSlotRow(ledger)
  return { ...counters, ...holds, waiting: await countWaiting(slot.outbox, watermark) }
}
