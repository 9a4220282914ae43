import { z } from 'zod'
import { type OwedAttempt, OwedAttemptSchema } from '../../ledger/reports.ts'

/** One line of the journal of calls. */
export const CallRecordSchema = z.discriminatedUnion('is', [
  /** A call that may have been sent, as it is owed when nobody ever knows its end. Written before it is sent. */
  z.object({ is: z.literal('intent'), epoch: z.int(), owed: OwedAttemptSchema }),
  /** Its end is known. Written before the slot is told. */
  z.object({
    is: z.literal('known'),
    attempt: z.string(),
    as: z.enum(['settled', 'unconfirmed']),
    costNano: z.int().min(0),
    detail: z.string(),
  }),
  /** It was never sent, or the ledger has it: nothing is owed. */
  z.object({ is: z.literal('gone'), attempt: z.string() }),
  /** Whose journal this is, when it has all that this process owes; '' = something was called that is not in it. */
  z.object({ is: z.literal('process'), id: z.string() }),
])
export type CallRecord = z.infer<typeof CallRecordSchema>

/** A call that is not known to be in the ledger. */
export interface Intent {
  /** The life of the slot that granted its hold. */
  readonly epoch: number
  readonly owed: OwedAttempt
}

/** What a journal of calls comes to, record by record. */
export class IntentBook {
  readonly #intents = new Map<string, Intent>()
  /** '' = not all that the process owed is here. */
  process = ''

  constructor(records: Iterable<CallRecord> = []) {
    for (const record of records) this.enter(record)
  }

  get size(): number {
    return this.#intents.size
  }

  find(attempt: string): Intent | undefined {
    return this.#intents.get(attempt)
  }

  /** All that is owed, oldest first. */
  intents(): readonly Intent[] {
    return [...this.#intents.values()]
  }

  enter(record: CallRecord): void {
    if (record.is === 'intent') {
      const { epoch, owed } = record
      this.#intents.set(owed.attempt, { epoch, owed })
    } else if (record.is === 'known') this.#end(record)
    else if (record.is === 'gone') this.#intents.delete(record.attempt)
    else this.process = record.id
  }

  /** Everything that is still to be remembered, as records that make the same book. */
  *records(): Generator<CallRecord, void> {
    if (this.process !== '') yield { is: 'process', id: this.process }
    for (const intent of this.#intents.values()) yield { is: 'intent', ...intent }
  }

  #end({ attempt, as, costNano, detail }: Extract<CallRecord, { is: 'known' }>): void {
    const intent = this.#intents.get(attempt)
    if (!intent) return
    this.#intents.set(attempt, { ...intent, owed: { ...intent.owed, as, costNano, detail } })
  }
}
