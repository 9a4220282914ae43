import { KINDS, type Kind } from './records.ts'

/** Names one record of the slot. */
export interface RecordName {
  readonly kind: Kind
  readonly key: string
}

/** The records that may differ from what is on disk, each named once. */
export class Changes {
  readonly #keys = new Map<Kind, Set<string>>(KINDS.map((kind) => [kind, new Set()]))
  #count = 0
  #reading = false

  get size(): number {
    return this.#count
  }

  mark(kind: Kind, key: string): void {
    const keys = this.#keys.get(kind)
    if (this.#reading || keys === undefined || keys.has(key)) return
    keys.add(key)
    this.#count += 1
  }

  /** Empties the list and returns what was on it. */
  take(): RecordName[] {
    const taken: RecordName[] = []
    for (const [kind, keys] of this.#keys) {
      for (const key of keys) taken.push({ kind, key })
      keys.clear()
    }
    this.#count = 0
    return taken
  }

  /** What was taken and did not reach the disk. */
  putBack(taken: readonly RecordName[]): void {
    for (const { kind, key } of taken) this.mark(kind, key)
  }

  /** Runs what only looks, to its first `await`: nothing that it touches is listed. */
  unmarked<T>(look: () => T): T {
    this.#reading = true
    try {
      return look()
    } finally {
      this.#reading = false
    }
  }
}
