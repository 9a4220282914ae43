import type { SlotLook } from '../admission/redis/lives.ts'
import type { SlotLife } from '../ledger/slot-row.ts'

/**
 * Says for people in which life a slot is and, while it is closed, why, since when, and who reopens it.
 * @param life - the newest one, as the ledger knows it.
 */
export function describeSlot(slot: SlotLook, life: SlotLife): string {
  if (slot.state === 'open') return `open in life ${slot.epoch}${since(life.openedAtMs)}`
  if (slot.state === 'missing') return `missing, in Redis, after life ${life.epoch}`
  if (slot.lost === null) return `closed in life ${slot.epoch}, while a move fills it`
  const who = life.openedAtMs === null && slot.claimed ? life.reopener : null
  const by = who
    ? `${who} opens life ${life.epoch}${since(life.beganAtMs)}`
    : 'nobody reopens it yet'
  return `closed${since(slot.lost.sinceMs)} (${slot.lost.reason}); ${by}`
}

const since = (ms: number | null): string =>
  ms === null ? '' : ` since ${new Date(ms).toISOString()}`
