import { alerts } from './alerts.ts'
import { audit } from './audit.ts'
import { budget } from './budget.ts'
import { cache } from './cache.ts'
import { close } from './close.ts'
import type { Registration } from './command.ts'
import { demo } from './demo.ts'
import { doctor } from './doctor.ts'
import { exportCharges } from './export.ts'
import { jobs } from './jobs.ts'
import { keys } from './keys.ts'
import { migrate } from './migrate.ts'
import { move } from './move.ts'
import { parked } from './parked.ts'
import { policy } from './policy.ts'
import { prices } from './prices.ts'
import { rebuild } from './rebuild.ts'
import { replay } from './replay.ts'
import { report } from './report.ts'
import { reprice } from './reprice.ts'
import { sandbox } from './sandbox.ts'
import { sendReport } from './send-report.ts'
import { start } from './start.ts'
import { stats } from './stats.ts'
import { unconfirmed } from './unconfirmed.ts'
import { usage } from './usage.ts'
import { users } from './users.ts'
import { verify } from './verify.ts'
import { webhooks } from './webhooks.ts'

/** Every command of `bursar`, in the order of its help. A new command is one file and one line here. */
export const COMMANDS: readonly Registration[] = [
  start,
  demo,
  migrate,
  move,
  doctor,
  report,
  sendReport,
  usage,
  exportCharges,
  parked,
  budget,
  alerts,
  policy,
  cache,
  users,
  keys,
  jobs,
  webhooks,
  close,
  prices,
  reprice,
  audit,
  stats,
  replay,
  verify,
  rebuild,
  unconfirmed,
  sandbox,
]
