import type { Kind } from '../admission/journal/records.ts'
import { packSlot } from '../admission/redis/pack-slot.ts'
import { tableSums } from './history.ts'
import { countJobs } from './jobs.ts'
import type { Source } from './source.ts'
import { type MoveSummary, TABLES } from './types.ts'

/** Counts what a folder has to move. Reads all of it. */
export async function summarise({ ledger, state, queues }: Source): Promise<MoveSummary> {
  const sizes = await Promise.all(TABLES.map((table) => tableSums(ledger, table)))
  const records = countRecords(state)
  const of = (kind: Kind) => records.get(kind) ?? 0
  return {
    rows: sizes.reduce((sum, { rows }) => sum + rows, 0),
    windows: of('windows'),
    jobs: of('jobs'),
    attempts: of('attempts'),
    results: of('results'),
    bodies: of('bodies'),
    limits: of('limits') + of('gates'),
    ...(await countJobs(queues)),
  }
}

function countRecords(state: Source['state']): ReadonlyMap<Kind, number> {
  const counts = new Map<Kind, number>()
  for (const { kind } of packSlot({ state, spentNano: () => 0, nowMs: Date.now() })) {
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return counts
}

/** All that a move touches, one by one. */
export const unitsOf = (summary: MoveSummary): number =>
  Object.values(summary).reduce((sum, count) => sum + count, 0)
