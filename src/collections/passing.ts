/**
 * Values by name that come and go with requests. A `Map` that forgets one still keeps it alive for long (decision 0029):
 * here it keeps an empty box.
 */
export class Passing<V> implements Iterable<readonly [name: string, value: V]> {
  readonly #boxes = new Map<string, { value: V | null }>()

  get size(): number {
    return this.#boxes.size
  }

  has(name: string): boolean {
    return this.#boxes.has(name)
  }

  get(name: string): V | undefined {
    return this.#boxes.get(name)?.value ?? undefined
  }

  /** The one that had the name before goes. */
  set(name: string, value: V): void {
    this.delete(name)
    this.#boxes.set(name, { value })
  }

  /** @returns what went; undefined = nothing had that name. */
  delete(name: string): V | undefined {
    const box = this.#boxes.get(name)
    if (!box) return undefined
    const gone = box.value
    this.#boxes.delete(name)
    box.value = null
    return gone ?? undefined
  }

  clear(): void {
    for (const box of this.#boxes.values()) box.value = null
    this.#boxes.clear()
  }

  names(): Iterable<string> {
    return this.#boxes.keys()
  }

  *values(): Generator<V, void> {
    for (const [, value] of this) yield value
  }

  /** What is there, oldest first; one may go while it is looked at. */
  *[Symbol.iterator](): Generator<readonly [name: string, value: V], void> {
    for (const [name, { value }] of this.#boxes) if (value !== null) yield [name, value]
  }
}
