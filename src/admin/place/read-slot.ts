import type { AdmissionStore } from '../../admission/store.ts'

/** A hold that is listed as live, and when it expires or expired, UTC ms. */
export interface ListedHold {
  readonly attempt: string
  readonly expiresAtMs: number
}

/** The slot as a reader sees it: nothing is opened, registered or changed. Throws STORE_UNAVAILABLE. */
export interface ReadSlot extends Pick<AdmissionStore, 'outbox' | 'peek' | 'peekLimits'> {
  /** The slot's own clock, UTC ms. */
  now(): Promise<number>
  /** Keys of windows that end after an instant, soonest first, page by page; -Infinity = all that are kept. */
  windows(afterMs: number, pageWindows?: number): AsyncGenerator<readonly string[], void>
  /** Keys of the windows that end last, latest first. */
  latestWindows(limit: number): Promise<readonly string[]>
  /** How many holds are listed. */
  countHolds(): Promise<number>
  /** Holds that expired before an instant, oldest first. */
  holdsDueBefore(beforeMs: number, limit: number): Promise<readonly ListedHold[]>
  /** Which of these attempts are held. */
  held(attempts: readonly string[]): Promise<ReadonlySet<string>>
}

/** A window page of this size takes Redis and PGlite alike well under 10 ms. */
export const PAGE_WINDOWS = 500
