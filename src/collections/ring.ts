/** One place in a ring. */
export interface Link {
  /** @returns false = it had left before. */
  leave(): boolean
}

class Place<T> implements Link {
  value: T | null
  before: Place<T> | null
  after: Place<T> | null

  constructor(value: T | null, before: Place<T> | null, after: Place<T> | null) {
    this.value = value
    this.before = before ?? this
    this.after = after ?? this
  }

  leave(): boolean {
    const { before, after } = this
    if (!before || !after) return false
    before.after = after
    after.before = before
    // Out of the ring it leads nowhere, and holds nothing.
    this.value = null
    this.before = null
    this.after = null
    return true
  }
}

/**
 * What comes and goes with each request, in the order in which it came; a `Set` would keep what has gone alive, and what
 * came after it (decision 0029). Adding and leaving take the same time however many there are.
 */
export class Ring<T> implements Iterable<T> {
  readonly #end = new Place<T>(null, null, null)

  get isEmpty(): boolean {
    return this.#end.after === this.#end
  }

  add(value: T): Link {
    const last = this.#end.before
    const place = new Place(value, last, this.#end)
    if (last) last.after = place
    this.#end.before = place
    return place
  }

  /** Whoever leaves while it is walked must be the one that is being looked at. */
  *[Symbol.iterator](): Generator<T, void> {
    for (let at = this.#end.after; at && at !== this.#end; ) {
      const { value, after } = at
      if (value !== null) yield value
      at = after
    }
  }
}
