import type { ConcludeCommand } from '../../admission/commands.ts'
import type { BookLeaseCommand } from '../../admission/lease-commands.ts'
import type { Nano } from '../../money/nano.ts'
import type { JournalRecord } from './records.ts'

/** An allowance and what was spent from it, as its journal says. */
export interface JournaledLease {
  readonly lease: string
  readonly windows: readonly string[]
  readonly amountNano: Nano
  /** The amount without what calls cost, or may cost as long as nobody knows; below 0 after a bill above its cap. */
  readonly freeNano: Nano
  readonly isStopped: boolean
  /** Attempt -> how it is booked: at its cost, or whole as long as its end is not known. */
  readonly calls: ReadonlyMap<string, BookLeaseCommand>
}

type Mutable = { -readonly [K in keyof JournaledLease]: JournaledLease[K] } & {
  readonly calls: Map<string, BookLeaseCommand>
}

/** What a journal comes to, record by record. */
export class Book {
  readonly #leases = new Map<string, Mutable>()
  #rows: ConcludeCommand[] = []

  constructor(records: readonly JournalRecord[] = []) {
    for (const record of records) this.enter(record)
  }

  get leases(): readonly JournaledLease[] {
    return [...this.#leases.values()]
  }

  get rows(): readonly ConcludeCommand[] {
    return this.#rows
  }

  enter(record: JournalRecord): void {
    if (record.is === 'row') this.#rows.push(record.row)
    else if (record.is === 'lease') {
      const { lease, windows, amountNano } = record
      this.#open(lease, windows, amountNano)
    } else if (record.is === 'stop') {
      const known = this.#leases.get(record.lease)
      if (known) known.isStopped = true
    } else this.#spend(record.call)
  }

  /** Forgets an allowance that the ledger knows to be closed. */
  drop(lease: string): void {
    this.#leases.delete(lease)
  }

  /** Takes back what could not be written, so that nobody acted upon it. What is known all the same stays. */
  withdraw(record: JournalRecord): void {
    if (record.is === 'lease') this.drop(record.lease)
    else if (record.is === 'row') this.told([record.row])
    else if (record.is === 'intent') this.#unspend(record.call)
  }

  /** Forgets rows: the slot has them. */
  told(rows: readonly ConcludeCommand[]): void {
    const known = new Set(rows)
    this.#rows = this.#rows.filter((row) => !known.has(row))
  }

  /** Everything that is still to be remembered, as records that make the same book. */
  *records(): Generator<JournalRecord, void> {
    for (const { lease, windows, amountNano, calls, isStopped } of this.#leases.values()) {
      yield { is: 'lease', lease, windows: [...windows], amountNano }
      for (const call of calls.values()) yield { is: 'result', call }
      if (isStopped) yield { is: 'stop', lease }
    }
    for (const row of this.#rows) yield { is: 'row', row }
  }

  #open(lease: string, windows: readonly string[], amountNano: Nano): Mutable {
    const calls = new Map<string, BookLeaseCommand>()
    const opened = { lease, windows, amountNano, freeNano: amountNano, isStopped: false, calls }
    this.#leases.set(lease, opened)
    return opened
  }

  #spend(call: BookLeaseCommand): void {
    const lease = this.#leases.get(call.lease) ?? this.#open(call.lease, call.windows, 0)
    const known = lease.calls.get(call.attempt)
    lease.freeNano -= amountOf(call) - (known ? amountOf(known) : 0)
    lease.calls.set(call.attempt, call)
  }

  #unspend(call: BookLeaseCommand): void {
    const lease = this.#leases.get(call.lease)
    if (lease?.calls.get(call.attempt) !== call) return
    lease.calls.delete(call.attempt)
    lease.freeNano += amountOf(call)
  }
}

/** What a call is booked at. */
export const amountOf = ({ kind, costNano, holdNano }: BookLeaseCommand): Nano =>
  kind === 'settled' ? costNano : holdNano
