import type { z } from 'zod'
import { alertsTest } from './alerts/test.ts'
import { alertsAck, alertsDeliveries, alertsList, alertsShow, alertsSilence } from './alerts.ts'
import { auditList } from './audit/list.ts'
import { budgetGrant, budgetRevoke } from './budget/grant.ts'
import { budgetList } from './budget/list.ts'
import { cacheHealth } from './cache/health.ts'
import { cacheInvalidate } from './cache/invalidate.ts'
import { cacheLearned } from './cache/learned.ts'
import { cacheResetMetrics } from './cache/reset-metrics.ts'
import { cacheStats } from './cache/stats.ts'
import { cacheWarm } from './cache/warm.ts'
import { closesClose, closesList, closesShow } from './closes.ts'
import type { AdminCommand, AdminPlace, AdminRole } from './command.ts'
import { exportPageCommand } from './export/page.ts'
import { jobsHistory, jobsList, jobsRun } from './jobs.ts'
import { keysCreate, keysList, keysRevoke, keysRotate } from './keys.ts'
import { parkedCommand } from './parked/parked.ts'
import { perform } from './perform.ts'
import { policyApply } from './policy/apply.ts'
import { policyDiff } from './policy/diff.ts'
import { policyShow } from './policy/show.ts'
import { policyValidate } from './policy/validate.ts'
import { pricesDiff, pricesImport, pricesList, pricesShow } from './prices/prices.ts'
import { readInput } from './read-input.ts'
import { rebuildCommand } from './rebuild.ts'
import { rebuildUsageCommand } from './rebuild-usage.ts'
import { reportCommand } from './report/report.ts'
import { repriceCommand } from './reprice.ts'
import { sendReport } from './send-report.ts'
import { statsCommand } from './stats.ts'
import { unconfirmedConfirm, unconfirmedList, unconfirmedWaive } from './unconfirmed.ts'
import { usageCurve } from './usage/curve.ts'
import { usageForecast } from './usage/forecast.ts'
import { usageNow } from './usage/now.ts'
import { usageRequest } from './usage/request.ts'
import { usageRun } from './usage/run.ts'
import { usageSaved } from './usage/saved.ts'
import { usageCommand } from './usage/spend.ts'
import { usageUnits } from './usage/units.ts'
import { usersList, usersSetTier } from './users.ts'
import { verifyCommand } from './verify/verify.ts'
import { webhooksList } from './webhooks/list.ts'

/** A command whose input nobody has looked at yet. */
export interface AskedCommand {
  readonly name: string
  readonly role: AdminRole
  readonly summary: string
  readonly input: z.ZodType
  readonly output: z.ZodType
  /** @throws {BursarError} INVALID_REQUEST naming each mistake, and what the command throws. */
  answer(place: AdminPlace, input: unknown): Promise<unknown>
}

const asked = <Input, Output>(command: AdminCommand<Input, Output>): AskedCommand => ({
  name: command.name,
  role: command.role,
  summary: command.summary ?? '',
  input: command.input,
  output: command.output,
  answer: async (place, input) => perform(command, place, readInput(command, input)),
})

/** Everything an operator may ask a running process. A new command is one line here. */
export const ADMIN_COMMANDS: readonly AskedCommand[] = [
  asked(reportCommand),
  asked(usageCommand),
  asked(usageCurve),
  asked(usageUnits),
  asked(usageSaved),
  asked(usageForecast),
  asked(usageNow),
  asked(usageRequest),
  asked(usageRun),
  asked(exportPageCommand),
  asked(sendReport),
  asked(verifyCommand),
  asked(rebuildCommand),
  asked(rebuildUsageCommand),
  asked(unconfirmedList),
  asked(unconfirmedConfirm),
  asked(unconfirmedWaive),
  asked(parkedCommand),
  asked(budgetList),
  asked(budgetGrant),
  asked(budgetRevoke),
  asked(cacheStats),
  asked(cacheHealth),
  asked(cacheInvalidate),
  asked(cacheResetMetrics),
  asked(cacheLearned),
  asked(cacheWarm),
  asked(usersSetTier),
  asked(usersList),
  asked(keysCreate),
  asked(keysList),
  asked(keysRotate),
  asked(keysRevoke),
  asked(policyShow),
  asked(policyValidate),
  asked(policyDiff),
  asked(policyApply),
  asked(auditList),
  asked(webhooksList),
  asked(statsCommand),
  asked(alertsList),
  asked(alertsShow),
  asked(alertsAck),
  asked(alertsSilence),
  asked(alertsDeliveries),
  asked(alertsTest),
  asked(jobsList),
  asked(jobsHistory),
  asked(jobsRun),
  asked(closesList),
  asked(closesShow),
  asked(closesClose),
  asked(pricesList),
  asked(pricesShow),
  asked(pricesDiff),
  asked(pricesImport),
  asked(repriceCommand),
]
