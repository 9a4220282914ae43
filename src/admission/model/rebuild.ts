import type { Nano } from '../../money/nano.ts'
import { compareOutboxIds } from '../outbox.ts'
import type { RebuildCommand, RebuildReply, RebuiltWindow } from '../rebuild-command.ts'
import { closedReply, type SlotState } from './state.ts'

/** Makes counters again from the ledger's sums, the outbox after them and the live holds. (PROTOCOL 3.9) */
export function rebuild(state: SlotState, command: RebuildCommand): RebuildReply {
  const closed = closedReply({ state, epoch: command.epoch })
  if (closed) return closed
  const { watermark, sums, apply } = command
  if (compareOutboxIds(state.slot?.trimmed ?? '0', watermark) > 0) return { outcome: 'retry' }
  const counted = new Map(sums.map(({ key, spentNano }) => [key, { spentNano, heldNano: 0 }]))
  addPostings(state, watermark, counted)
  addHolds(state, counted)
  const windows: RebuiltWindow[] = []
  for (const [key, after] of counted) {
    const window = state.windows.get(key)
    if (!window) continue
    const { spentNano, heldNano } = window
    windows.push({ key, before: { spentNano, heldNano }, after })
    if (apply) Object.assign(window, after)
  }
  return { outcome: 'rebuilt', windows }
}

type Counting = Map<string, { spentNano: Nano; heldNano: Nano }>

function addPostings({ out }: SlotState, watermark: string, counted: Counting): void {
  for (const { id, entry } of out) {
    if (entry.type !== 'posting' || compareOutboxIds(id, watermark) <= 0) continue
    for (const key of entry.windows) {
      const one = counted.get(key)
      if (one) one.spentNano += entry.deltaNano
    }
  }
}

function addHolds({ exp, attempts }: SlotState, counted: Counting): void {
  for (const attempt of exp.keys()) {
    const record = attempts.get(attempt)
    if (record?.state !== 'H') continue
    for (const key of record.windows) {
      const one = counted.get(key)
      if (one) one.heldNano += record.holdNano
    }
  }
}
