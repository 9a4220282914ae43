/**
 * The pure decision machine of one slot: plain TypeScript, no clock, no I/O. `memory.ts` runs it in process, the
 * Lua scripts beside it decide the same on Redis, and one conformance suite compares the two.
 */
export { admit } from './model/admit.ts'
export { adopt } from './model/adopt.ts'
export { credit, creditAt, limitAt } from './model/credit.ts'
export { keepTurns } from './model/fair.ts'
export { cancel, conclude, intake } from './model/intake.ts'
export { bookLease, closeLease, lease } from './model/leases.ts'
export { measure } from './model/limits.ts'
export { rebuild } from './model/rebuild.ts'
export { expire, release, renew, settle } from './model/settle.ts'
export {
  type Context,
  type Effects,
  emptySlot,
  type SlotState,
  type StoredEntry,
} from './model/state.ts'
export { takeLimits } from './model/take-limits.ts'
