import { BursarError } from '../../errors.ts'

const DESK_BYTES = 4_096
const LARGEST_DESK_BYTES = 65_536
const MOST_DESKS = 8
/** Where to write: text needs three times the room until it is known how long it is, and only what was written is kept. */
const desks: Buffer[] = []
const NO_DESK = Buffer.alloc(0)

/**
 * Packs a command's arguments the way Lua's `struct.unpack` reads them: `d` a little-endian double, `s` UTF-8 text that
 * ends in NUL, `B` one byte, `H` two. One argument costs Redis and the client far less than fifty (bench: admission).
 */
export class Writer {
  #buffer: Buffer
  #at = 0

  constructor() {
    this.#buffer = desks.pop() ?? Buffer.allocUnsafeSlow(DESK_BYTES)
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes))
    this.#buffer.copy(grown, 0, 0, this.#at)
    this.#buffer = grown
  }

  double(value: number): this {
    this.#room(8)
    this.#at = this.#buffer.writeDoubleLE(value, this.#at)
    return this
  }

  /** @throws {BursarError} INVALID_MONEY unless the amount is an integer that doubles hold exactly. */
  nano(value: number): this {
    if (Number.isSafeInteger(value)) return this.double(value)
    throw new BursarError('INVALID_MONEY', `${value} is no integer amount of nano-USD`)
  }

  /** Leaves room for the position of something that comes later. */
  reserveDouble(): number {
    this.double(0)
    return this.#at - 8
  }

  /** Writes where we are, counted from 1 as Lua does, into a reserved place. */
  markPosition(reserved: number): void {
    this.#buffer.writeDoubleLE(this.#at + 1, reserved)
  }

  byte(value: number): this {
    this.#room(1)
    this.#at = this.#buffer.writeUInt8(value, this.#at)
    return this
  }

  short(value: number): this {
    this.#room(2)
    this.#at = this.#buffer.writeUInt16LE(value, this.#at)
    return this
  }

  flag(value: boolean): this {
    return this.byte(value ? 1 : 0)
  }

  /** @throws {BursarError} INVALID_ARGUMENT when the text holds a NUL, which would end it early. */
  text(value: string): this {
    return this.#end(plain(value))
  }

  /** Each as `text` writes it: one trip to the buffer for all of them. */
  texts(values: readonly string[]): this {
    if (values.length === 0) return this
    for (const value of values) plain(value)
    return this.#end(values.join('\0'))
  }

  #end(text: string): this {
    // A UTF-16 unit becomes at most three bytes of UTF-8.
    this.#room(text.length * 3 + 1)
    this.#at += this.#buffer.write(text, this.#at, 'utf8')
    this.#buffer[this.#at] = 0
    this.#at += 1
    return this
  }

  /** What was written so far; the writer is not used again. */
  done(): Buffer {
    const written = Buffer.allocUnsafe(this.#at)
    this.#buffer.copy(written, 0, 0, this.#at)
    if (desks.length < MOST_DESKS && this.#buffer.length <= LARGEST_DESK_BYTES) {
      desks.push(this.#buffer)
    }
    this.#buffer = NO_DESK
    return written
  }
}

function plain(text: string): string {
  if (!text.includes('\0')) return text
  throw new BursarError('INVALID_ARGUMENT', 'a NUL character cannot be stored: remove it')
}
