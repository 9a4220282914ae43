/** Reads what lib/outbox.lua packed: `d` a little-endian double, `s` UTF-8 text that ends in NUL, `B` one byte. */
class Reader {
  readonly packed: Buffer
  #at = 1

  constructor(packed: Buffer) {
    this.packed = packed
  }

  double(): number {
    const value = this.packed.readDoubleLE(this.#at)
    this.#at += 8
    return value
  }

  text(): string {
    const end = this.packed.indexOf(0, this.#at)
    if (end < 0) throw new RangeError('a text has no end')
    const value = this.packed.toString('utf8', this.#at, end)
    this.#at = end + 1
    return value
  }

  /** A double that earlier versions did not write. */
  laterDouble(): number {
    return this.#at < this.packed.length ? this.double() : 0
  }

  texts(): string[] {
    const count = this.packed.readUInt8(this.#at)
    this.#at += 1
    return Array.from({ length: count }, () => this.text())
  }
}

function readPosting(r: Reader) {
  const [attempt, kind, outcome] = [r.text(), r.text(), r.text()]
  return {
    type: 'posting',
    attempt,
    kind,
    outcome,
    epoch: r.double(),
    rev: r.double(),
    n: r.double(),
    deltaNano: r.double(),
    bookedNano: r.double(),
    holdNano: r.double(),
    overrunNano: r.double(),
    rung: r.double(),
    outputCapTokens: r.double(),
    admittedAtMs: r.double(),
    postedAtMs: r.double(),
    job: r.text(),
    windows: r.texts(),
    meta: r.text(),
    detail: r.text(),
  }
}

const readRequest = (r: Reader) => ({
  type: 'request',
  job: r.text(),
  outcome: r.text(),
  reason: r.text(),
  postedAtMs: r.double(),
  meta: r.text(),
  savedNano: r.laterDouble(),
})

const readThreshold = (r: Reader) => ({
  type: 'threshold',
  window: r.text(),
  percent: r.double(),
  spentNano: r.double(),
  limitNano: r.double(),
  postedAtMs: r.double(),
})

const KINDS: Readonly<Record<string, (r: Reader) => Record<string, unknown>>> = {
  P: readPosting,
  R: readRequest,
  T: readThreshold,
}

/** @returns the entry's fields, to be parsed by `readOutboxEntry`; null when it is none of ours or cut short. */
export function unpackEntry(packed: Buffer): Record<string, unknown> | null {
  try {
    return KINDS[packed.toString('latin1', 0, 1)]?.(new Reader(packed)) ?? null
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}
