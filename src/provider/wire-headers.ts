/**
 * Headers on their way from the SDK to our transport. Their names and values are in no field that can be listed: the SDK
 * would copy them for a log that is off.
 */
export class WireHeaders {
  readonly #all: Readonly<Record<string, string>>

  /** @param all - names in small letters. */
  constructor(all: Readonly<Record<string, string>>) {
    this.#all = all
  }

  /** @returns what `fetch` was given, whoever made it. */
  static read(given: RequestInit['headers']): Readonly<Record<string, string>> {
    if (given instanceof WireHeaders) return given.#all
    return Object.fromEntries(new Headers(given))
  }
}
