import { JOBS, TICKED_JOBS } from '../jobs/index.ts'
import { startJobs } from '../jobs/runner.ts'
import { warmCache } from '../jobs/warm-cache.ts'
import { messageOf } from '../src/errors.ts'
import { startGatewayRole, startSocket } from '../src/gateway/role.ts'
import type { Runtime } from '../src/runtime.ts'
import { startScheduler } from '../src/schedule/scheduler.ts'
import { startAlerts } from './alerts.ts'
import { startCompletionWorkers } from './completions.ts'
import { startLedgerWorker } from './ledger.ts'

export const ROLES = ['completions', 'ledger', 'jobs', 'gateway', 'alerts'] as const
/** What a process does; any number of processes may do the same. */
export type Role = (typeof ROLES)[number]

export interface RunningRoles {
  /** Where the gateway listens; null when it is not among the roles. */
  readonly gatewayUrl: string | null
  /** Drains: takes nothing new, lets what runs end, closes the runtime last. Safe to call twice. */
  close(): Promise<void>
  /** Resolves when everything is closed, by whomever. */
  readonly closed: Promise<void>
}

type Part = { close(): Promise<void>; readonly url?: string }

const STARTERS: Readonly<Record<Role, (runtime: Runtime) => Promise<Part> | Part>> = {
  completions: startCompletionWorkers,
  ledger: startLedger,
  jobs: startScheduled,
  gateway: startGatewayRole,
  alerts: startAlerts,
}

/** Starts the roles over one runtime, which is theirs from now on, and drains them on SIGTERM and SIGINT. */
export async function startRoles(roles: readonly Role[], runtime: Runtime): Promise<RunningRoles> {
  const { logger } = runtime
  const parts: Part[] = []
  let closing: Promise<void> | undefined
  let ended = () => {}
  const closed = new Promise<void>((resolve) => {
    ended = resolve
  })

  async function closeParts(): Promise<void> {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal)
    // The ledger's worker last, so that it sees what the others settle on their way out.
    const [ledger, others] = [
      roles.indexOf('ledger'),
      parts.filter((_, at) => roles[at] !== 'ledger'),
    ]
    await Promise.all(others.map((part) => part.close()))
    await parts[ledger]?.close()
    await runtime.close()
    ended()
  }
  const close = () => {
    closing ??= closeParts()
    return closing
  }
  const onSignal = (signal: string) => {
    logger.info({ signal }, 'shutting down')
    close().catch((error: unknown) => logger.error({ reason: messageOf(error) }, 'unclean end'))
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  try {
    for (const role of roles) parts.push(await STARTERS[role](runtime))
    const socket = roles.includes('gateway') ? null : await startSocket(runtime)
    if (socket) parts.push(socket)
  } catch (error) {
    await close()
    throw error
  }
  logger.info({ roles }, 'started')
  const gatewayUrl = parts.find(({ url }) => url !== undefined)?.url ?? null
  return { gatewayUrl, close, closed }
}

function startLedger({ ledger, store, options, logger }: Runtime): Part {
  const worker = startLedgerWorker({ ledger, outbox: store.outbox, batch: options.LEDGER_BATCH })
  worker.events.on('failed', (error) => {
    logger.error({ reason: messageOf(error) }, 'the outbox was not drained; trying again')
  })
  worker.events.on('waiting', (reason) => logger.warn({ reason }, 'the outbox waits for its slot'))
  return worker
}

function startScheduled(runtime: Runtime): Part {
  const { WARM_CACHE_ON_START } = runtime.options
  const housekeeping = startJobs(JOBS, runtime, WARM_CACHE_ON_START ? [warmCache] : [])
  // A replay's clock may jump over months of ticks that are not its own.
  const ticked = runtime.clock.virtual ? [] : TICKED_JOBS
  const scheduler = startScheduler(ticked, { ...runtime, parts: runtime })
  return {
    async close() {
      await Promise.all([housekeeping.close(), scheduler.close()])
    },
  }
}
