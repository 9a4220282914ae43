import type { Figures } from './figures.ts'

/** Where the figures of all processes are added up, by day (UTC). */
export interface FigureShelf {
  /** @throws {BursarError} STORE_UNAVAILABLE. */
  add(lines: readonly Figures[], nowMs: number): Promise<void>
  /**
   * @param days - how many, today included; 1 to `MOST_DAYS`.
   * @returns a line per namespace and tenant and day, in no order.
   * @throws {BursarError} STORE_UNAVAILABLE.
   */
  read(days: number, nowMs: number): Promise<readonly Figures[]>
  /**
   * Forgets all of them. What processes have not passed on yet, some seconds of it, counts after it.
   * @throws {BursarError} STORE_UNAVAILABLE.
   */
  clear(nowMs: number): Promise<void>
}

/** Older figures are gone. */
export const MOST_DAYS = 7
export const DAY_MS = 86_400_000

/** `2026-11-21`. */
export const dayOf = (nowMs: number): string => new Date(nowMs).toISOString().slice(0, 10)

/** Names of the last days, today first. */
export const daysUpTo = (nowMs: number, days: number): string[] =>
  Array.from({ length: Math.min(Math.max(days, 1), MOST_DAYS) }, (_, ago) =>
    dayOf(nowMs - ago * DAY_MS),
  )

/** Figures of a process that is alone. */
export function memoryFigures(): FigureShelf {
  const byDay = new Map<string, Figures[]>()
  return {
    async add(lines, nowMs) {
      const day = dayOf(nowMs)
      byDay.set(day, [...(byDay.get(day) ?? []), ...lines])
      const kept = new Set(daysUpTo(nowMs, MOST_DAYS))
      for (const known of byDay.keys()) if (!kept.has(known)) byDay.delete(known)
    },
    read: async (days, nowMs) => daysUpTo(nowMs, days).flatMap((day) => byDay.get(day) ?? []),
    clear: async () => byDay.clear(),
  }
}
