/** What is kept under one key. */
export interface KeptAnswer {
  readonly bytes: number
  /** Until it is gone, ms. */
  readonly leftMs: number
}

/**
 * Answers of models as they are kept beside the slot: listed, looked at and dropped, never read. Keys are those of
 * `src/cache/walls.ts`, whose walls they begin with.
 * @throws {BursarError} STORE_UNAVAILABLE.
 */
export interface AnswerShelf {
  /** @param pattern - as Redis matches. Page by page, in no order; a key that stays is in one of them at least. */
  keys(pattern: string): AsyncIterable<readonly string[]>
  /** In the order asked; null = it is gone. */
  look(keys: readonly string[]): Promise<readonly (KeptAnswer | null)[]>
  /** @returns how many were there. */
  drop(keys: readonly string[]): Promise<number>
  /** Files an answer that is about to be kept under what it depends on. */
  file(filing: Filing): Promise<void>
  /** Drops what is filed under a label behind a tenant's wall, and the label. @returns how many were there. */
  dropFiled(wall: string, label: string): Promise<number>
  /** Puts a line on record; the newest `MOST_NOTES` are kept. */
  note(line: string): Promise<void>
  /** The newest first. */
  notes(limit: number): Promise<readonly string[]>
}

/** One answer, and what it is found by. */
export interface Filing {
  readonly key: string
  /** The tenant's, or the one that all share. */
  readonly wall: string
  readonly labels: readonly string[]
  readonly ttlMs: number
}

export const MOST_NOTES = 1_000
/** Keys that one step lists or drops, so that others are served in between. */
export const PAGE_KEYS = 500
