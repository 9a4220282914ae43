import { cleanup } from './cleanup.ts'
import { dailyClose } from './daily-close.ts'
import { endLostRequests } from './end-lost-requests.ts'
import { evaluateAlerts } from './evaluate-alerts.ts'
import { expireHolds } from './expire-holds.ts'
import { keepTurns } from './keep-turns.ts'
import { monthlyClose } from './monthly-close.ts'
import { partitions } from './partitions.ts'
import { priceImport } from './price-import.ts'
import { publishTiers } from './publish-tiers.ts'
import { refreshNamespaces } from './refresh-namespaces.ts'
import { releaseParked } from './release-parked.ts'
import { repeatCredits } from './repeat-credits.ts'
import { monthlyReport, weeklyReport } from './reports.ts'
import type { ScheduledJob, TickedJob } from './runner.ts'
import { showCache } from './show-cache.ts'
import { showSessions } from './show-sessions.ts'
import { tellJobEndsJob } from './tell-job-ends.ts'
import { verifyLedger } from './verify-ledger.ts'
import { warmCache } from './warm-cache.ts'
import { writeExports } from './write-exports.ts'

/** Housekeeping: every process with the role runs it. */
export const JOBS: readonly ScheduledJob[] = [
  expireHolds,
  endLostRequests,
  keepTurns,
  releaseParked,
  repeatCredits,
  publishTiers,
  refreshNamespaces,
  showCache,
  showSessions,
  verifyLedger,
  warmCache,
  evaluateAlerts,
  tellJobEndsJob,
]

/** What runs once per tick, whichever process does it. */
export const TICKED_JOBS: readonly TickedJob[] = [
  dailyClose,
  monthlyClose,
  partitions,
  priceImport,
  weeklyReport,
  monthlyReport,
  writeExports,
  cleanup,
]
