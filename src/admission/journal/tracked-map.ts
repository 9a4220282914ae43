import type { Changes } from './changes.ts'
import type { Kind } from './records.ts'

/**
 * A map of the slot that tells `Changes` which of its records may differ from the disk: those that were set, deleted,
 * or handed out to be changed. Walking it tells nothing.
 */
export class TrackedMap<V> extends Map<string, V> {
  readonly #kind: Kind
  readonly #changes: Changes

  constructor(kind: Kind, changes: Changes) {
    super()
    this.#kind = kind
    this.#changes = changes
  }

  override get(key: string): V | undefined {
    const value = super.get(key)
    // A number or nothing at all cannot be changed by whoever reads it.
    if (typeof value === 'object') this.#changes.mark(this.#kind, key)
    return value
  }

  override set(key: string, value: V): this {
    this.#changes.mark(this.#kind, key)
    return super.set(key, value)
  }

  override delete(key: string): boolean {
    const had = super.delete(key)
    if (had) this.#changes.mark(this.#kind, key)
    return had
  }

  override clear(): void {
    for (const key of this.keys()) this.#changes.mark(this.#kind, key)
    super.clear()
  }
}
