import { setImmediate as turn } from 'node:timers/promises'
import { BursarError, messageOf } from '../../errors.ts'

/** What is written, and whether there is anything to write. */
export interface Saving {
  readonly isBehind: boolean
  save(): Promise<void>
}

/**
 * Group commit: whoever comes in one turn of the event loop, or while a commit is under way, shares the next one. One
 * commit at a time, each of all that has changed by then.
 */
export class GroupCommit {
  readonly #disk: Saving
  #running: Promise<void> = Promise.resolve()
  #next: Promise<void> | null = null
  #failed = false
  #tellings: (() => void)[] = []

  constructor(disk: Saving) {
    this.#disk = disk
  }

  /** Runs `tell` as soon as what has changed until now is on disk. */
  whenSaved(tell: () => void): void {
    this.#tellings.push(tell)
  }

  /**
   * Resolves when no commit that failed is left behind, trying it again if need be.
   * @throws {BursarError} STORE_UNAVAILABLE.
   */
  async ready(): Promise<void> {
    if (this.#failed) await this.saved()
  }

  /**
   * Resolves when everything that has changed until now is on disk.
   * @throws {BursarError} STORE_UNAVAILABLE: it is not, and goes with the next commit.
   */
  saved(): Promise<void> {
    if (this.#next) return this.#next
    if (!this.#disk.isBehind) return this.#running
    this.#next = this.#commitNext()
    return this.#next
  }

  async #commitNext(): Promise<void> {
    // Whoever waits for that one hears of its failure; this one writes the same again.
    await this.#running.catch(() => {})
    // A turn of the loop gathers the others' commands, and lets timers and sockets have theirs.
    await turn()
    this.#running = this.#next ?? this.#running
    this.#next = null
    await this.#commit()
  }

  async #commit(): Promise<void> {
    const tellings = this.#tellings
    this.#tellings = []
    try {
      await this.#disk.save()
    } catch (cause) {
      this.#failed = true
      this.#tellings = [...tellings, ...this.#tellings]
      throw notSaved(cause)
    }
    this.#failed = false
    // Before anybody's reply, and outside of this commit: what a listener throws is no failure to save.
    for (const tell of tellings) queueMicrotask(tell)
  }
}

const notSaved = (cause: unknown): BursarError =>
  new BursarError(
    'STORE_UNAVAILABLE',
    `the journal was not written: ${messageOf(cause)}. Nothing more is admitted until it is: look at the data folder's disk, then try again`,
    { cause, retryable: true },
  )
