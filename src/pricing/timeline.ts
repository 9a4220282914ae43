import type { Catalogue } from './snapshot.ts'

/** A numbered price list and the instant from which it holds. */
export interface PriceSnapshot {
  /** From 1; a higher one was imported later. */
  readonly number: number
  readonly effectiveFromMs: number
  readonly catalogue: Catalogue
}

/**
 * Price lists in the order in which they come into force. Each holds until the next one does; of the same date the one
 * that was imported last.
 */
export type PriceTimeline = readonly PriceSnapshot[]

/** What holds around an instant; `snapshot` null = nothing was imported for it: the list of this version of Bursar. */
export interface TimelineSpan {
  readonly snapshot: PriceSnapshot | null
  readonly fromMs: number
  /** Exclusive; Infinity = no later one is known. */
  readonly toMs: number
}

/** Puts snapshots in order. */
export const timelineOf = (snapshots: readonly PriceSnapshot[]): PriceTimeline =>
  snapshots.toSorted((a, b) => a.effectiveFromMs - b.effectiveFromMs || a.number - b.number)

/** @param atMs - UTC ms. */
export function timelineAt(timeline: PriceTimeline, atMs: number): TimelineSpan {
  const at = timeline.findLastIndex(({ effectiveFromMs }) => effectiveFromMs <= atMs)
  const snapshot = timeline[at] ?? null
  return {
    snapshot,
    fromMs: snapshot?.effectiveFromMs ?? Number.NEGATIVE_INFINITY,
    toMs: timeline[at + 1]?.effectiveFromMs ?? Number.POSITIVE_INFINITY,
  }
}
