import { compareOutboxIds, type Outbox, type OutboxEntry } from '../../src/admission/outbox.ts'

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never
/** An outbox entry before the slot has numbered it. */
export type NewEntry = WithoutId<OutboxEntry>

/** The slot's side of a drain, in memory: a stream that numbers its entries and is trimmed when acknowledged. */
export class MemoryOutbox implements Outbox {
  epoch: number
  state: 'open' | 'closed' = 'open'
  acked = '0'
  entries: OutboxEntry[] = []
  #next = 1

  constructor(epoch = 0) {
    this.epoch = epoch
  }

  append(entry: NewEntry): OutboxEntry {
    const numbered = { ...entry, id: `1000-${this.#next++}` }
    this.entries.push(numbered)
    return numbered
  }

  /** The slot comes back empty: a new life, a new stream whose ids start again. */
  reopen(epoch: number): void {
    this.epoch = epoch
    this.acked = '0'
    this.entries = []
    this.#next = 1
  }

  async slot() {
    if (this.state === 'closed') return null
    return { epoch: this.epoch, acked: this.acked, trimmed: this.acked }
  }

  async read(afterId: string, limit: number) {
    return this.entries.filter(({ id }) => compareOutboxIds(id, afterId) > 0).slice(0, limit)
  }

  async acknowledge(epoch: number, watermark: string) {
    if (epoch !== this.epoch) return 'epoch-changed'
    if (compareOutboxIds(watermark, this.acked) > 0) {
      this.acked = watermark
      this.entries = this.entries.filter(({ id }) => compareOutboxIds(id, watermark) > 0)
    }
    return 'acknowledged'
  }
}
