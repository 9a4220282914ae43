import { z } from 'zod'
import type { Ledger } from '../../ledger/ledger.ts'
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

const count = z.int().min(0)

const VerificationSchema = FoundSchema.extend({
  ledger: z.object({ entries: count, postings: count, windows: count }),
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

const InputSchema = z.strictObject({ bill: BillSumsSchema.nullable() })
type Input = Readonly<z.infer<typeof InputSchema>>

/**
 * Holds the books against each other: counters, ledger, holds and, when given, the sandbox's bill. Reads only.
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
  { bill: sums }: Input,
  watch: Watch = () => {},
): Promise<Verification> {
  const [ledger, slot] = [await place.ledger(), await place.slot()]
  const findings = new Findings()
  const sizes = await ledgerSizes(ledger)
  const total = sizes.postings + (sums === null ? 0 : sizes.entries)
  const compared = await compareSlot(slot, ledger, findings)
  let done = 0
  await checkOwnSums(ledger, findings, () => {
    done = Math.min(done + PAGE_POSTINGS, sizes.postings)
    watch(done, total, 'entries and their postings')
  })
  const onRows = (rows: number) =>
    watch(Math.min(sizes.postings + rows, total), total, 'entries and the bill')
  const bill = sums && (await compareBill(sums, slot, ledger, findings, onRows))
  watch(total, total, '')
  return { ...findings.all(), ledger: sizes, slot: compared, bill }
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
