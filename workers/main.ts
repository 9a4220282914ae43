import { messageOf } from '../src/errors.ts'
import type { Runtime } from '../src/runtime.ts'

export const ROLES = ['completions', 'ledger', 'jobs', 'gateway', 'alerts'] as const
/** What a process does; any number of processes may do the same. */
export type Role = (typeof ROLES)[number]

export interface RunningRoles {
  /** Where the gateway listens; null when it is not among the roles, or they were told to end while they started. */
  readonly gatewayUrl: string | null
  /** Drains: takes nothing new, lets what runs end, closes the runtime last. Safe to call twice. */
  close(): Promise<void>
  /** Resolves when everything is closed, by whomever. */
  readonly closed: Promise<void>
}

type Part = { close(): Promise<void>; readonly url?: string }

/** A process loads what its own roles need: a worker without a gateway starts in half the time. */
const STARTERS: Readonly<Record<Role, (runtime: Runtime) => Promise<Part>>> = {
  completions: async (runtime) =>
    (await import('./completions.ts')).startCompletionWorkers(runtime),
  ledger: async (runtime) => (await import('./ledger.ts')).startLedger(runtime),
  jobs: async (runtime) => (await import('./jobs.ts')).startScheduled(runtime),
  gateway: async (runtime) => (await import('../src/gateway/role.ts')).startGatewayRole(runtime),
  alerts: async (runtime) => (await import('./alerts.ts')).startAlerts(runtime),
}

/** Embedded, a second terminal finds the process by its socket; with Redis anybody can look there. */
async function startSocket(runtime: Runtime): Promise<Part | null> {
  return runtime.redis ? null : (await import('../src/gateway/role.ts')).startSocket(runtime)
}

/** Starts the roles over one runtime, which is theirs from now on, and drains them on SIGTERM and SIGINT, also while they start. */
export async function startRoles(roles: readonly Role[], runtime: Runtime): Promise<RunningRoles> {
  const { logger } = runtime
  const parts: Part[] = []
  let closing: Promise<void> | undefined
  let ended = () => {}
  const closed = new Promise<void>((resolve) => {
    ended = resolve
  })

  async function startParts(): Promise<void> {
    for (const role of roles) {
      if (closing) return
      parts.push(await STARTERS[role](runtime))
    }
    const socket = closing || roles.includes('gateway') ? null : await startSocket(runtime)
    if (socket) parts.push(socket)
  }
  async function closeParts(): Promise<void> {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal)
    // What starts meanwhile would run over a closed runtime, and nobody would ever close it.
    await starting.catch(() => {})
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
  const starting = startParts()
  try {
    await starting
  } catch (error) {
    await close()
    throw error
  }
  if (closing) return { gatewayUrl: null, close, closed }
  logger.info({ roles }, 'started')
  const gatewayUrl = parts.find(({ url }) => url !== undefined)?.url ?? null
  return { gatewayUrl, close, closed }
}
