import { expireHolds } from './expire-holds.ts'
import { keepTurns } from './keep-turns.ts'
import type { ScheduledJob } from './runner.ts'
import { verifyLedger } from './verify-ledger.ts'

/** Everything that runs on a schedule. */
export const JOBS: readonly ScheduledJob[] = [expireHolds, keepTurns, verifyLedger]
