import type { IncomingHttpHeaders } from 'node:http'

/** The part of `Headers` that the SDK reads, over the object that undici already made. */
export class ThinHeaders {
  readonly #all: IncomingHttpHeaders

  constructor(all: IncomingHttpHeaders) {
    this.#all = all
  }

  get(name: string): string | null {
    const value = this.#all[name.toLowerCase()]
    if (value === undefined) return null
    return typeof value === 'string' ? value : value.join(', ')
  }

  *entries(): IterableIterator<[string, string]> {
    for (const name of Object.keys(this.#all)) yield [name, this.get(name) ?? '']
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries()
  }
}

/** A response body: bytes as they come, to be read once, in pieces or whole. */
export class ThinBody implements AsyncIterable<Uint8Array> {
  #chunks: Buffer[] = []
  #ended = false
  #error: Error | null = null
  #wake: () => void = () => {}

  /** True once the last byte was received: nothing of the answer is missing. */
  get ended(): boolean {
    return this.#ended
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#wake()
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  fail(error: Error): void {
    this.#error ??= error
    this.#wake()
  }

  /** @throws {Error} the connection broke before the last byte. */
  async text(): Promise<string> {
    while (!this.#ended) await this.#next()
    const [only] = this.#chunks
    return (this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks)).toString()
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    for (;;) {
      const chunks = this.#chunks
      this.#chunks = []
      yield* chunks
      if (this.#chunks.length > 0) continue
      if (this.#ended) return
      await this.#next()
    }
  }

  /** Resolves at the next piece of news. */
  async #next(): Promise<void> {
    if (this.#error) throw this.#error
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    if (this.#error && !this.#ended) throw this.#error
  }
}

const sentTexts = new WeakMap<object, string>()

/** The text that a value was read from, when it is as short as it can be written: nobody need write it again. */
export function sentText(value: object): string | undefined {
  const text = sentTexts.get(value)
  // In JSON a line break stands between values alone, where somebody made it pretty.
  return text?.includes('\n') ? undefined : text
}

/** What the SDK reads of a `Response`; a real one costs more than the rest of the call together. */
export class ThinResponse {
  readonly url: string
  readonly status: number
  readonly ok: boolean
  readonly headers: ThinHeaders
  readonly body: ThinBody

  constructor(url: string, status: number, headers: ThinHeaders, body: ThinBody) {
    this.url = url
    this.status = status
    this.ok = status >= 200 && status < 300
    this.headers = headers
    this.body = body
  }

  text(): Promise<string> {
    return this.body.text()
  }

  async json(): Promise<unknown> {
    const text = await this.body.text()
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) sentTexts.set(value, text)
    return value
  }
}
