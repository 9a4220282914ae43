import type { SlotState } from '../model.ts'
import type { Changes, RecordName } from './changes.ts'
import type { JournalDatabase } from './database.ts'
import { writeEntry, writeHead, writeKey, writeRecord } from './records.ts'

/** The one row that is no record: the slot's epoch, watermark and counter. */
export const HEAD_KIND = 'slot'

/** One statement is one transaction: all of it is on disk, or none. */
const SAVE = 'select slot.save($1::text::json, $2::text::json, $3::bigint)'

/** Brings the disk to where the slot in memory is. */
export class Disk {
  readonly #database: JournalDatabase
  readonly #state: SlotState
  readonly #changes: Changes
  #head: string
  /** Outbox entries below this number are on disk. */
  #seq: number

  /** @param state - as it was just read from this database. */
  constructor(database: JournalDatabase, state: SlotState, changes: Changes) {
    this.#database = database
    this.#state = state
    this.#changes = changes
    this.#head = writeHead(state)
    this.#seq = state.seq
  }

  get isBehind(): boolean {
    return this.#changes.size > 0 || writeHead(this.#state) !== this.#head
  }

  /** Whether the disk has this outbox entry, by its id `<ms>-<seq>`. */
  has(id: string): boolean {
    return Number(id.slice(id.indexOf('-') + 1)) < this.#seq
  }

  /**
   * Writes what has changed, as it stands now. What fails is still to be written, whether or not the database has it:
   * writing it again changes nothing.
   */
  async save(): Promise<void> {
    const taken = this.#changes.take()
    const head = writeHead(this.#state)
    const { seq } = this.#state
    try {
      await this.#database.query(SAVE, this.#paramsOf(taken, head))
    } catch (error) {
      this.#changes.putBack(taken)
      throw error
    }
    this.#head = head
    this.#seq = seq
  }

  #paramsOf(taken: readonly RecordName[], head: string): [string, string, number] {
    const { out, seq } = this.#state
    const records = this.#changes.unmarked(() =>
      taken.map(({ kind, key }) => ({
        kind,
        key: writeKey(key),
        value: writeRecord(this.#state, kind, key),
      })),
    )
    const first = seq - out.length
    const fresh = out.slice(Math.max(this.#seq - first, 0))
    const entries = fresh.map((stored, i) => ({
      seq: seq - fresh.length + i,
      id: stored.id,
      entry: writeEntry(stored),
    }))
    const rows = [...records, { kind: HEAD_KIND, key: '', value: head }]
    return [JSON.stringify(rows), JSON.stringify(entries), first]
  }
}
