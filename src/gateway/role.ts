import { announce } from '../embedded/folder-lock.ts'
import { socketPathOf } from '../embedded/socket-path.ts'
import { type RunningAllowance, startAllowance } from '../outage/allowance/start.ts'
import { createOutageAnswers } from '../outage/outage-answers.ts'
import { countAnswers } from '../outage/watch-outages.ts'
import { clientOf } from '../runtime/client-of.ts'
import type { Runtime } from '../runtime.ts'
import { isLocal } from './authorize.ts'
import { startCallsHere } from './calls-here.ts'
import { type Gateway, startGateway } from './server.ts'

/** The gateway as one of the roles of a process. */
export interface GatewayRole {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Starts the gateway over a runtime; embedded, also on the socket of its data folder.
 * @throws {BursarError} INVALID_OPTIONS when its port is taken.
 */
export async function startGatewayRole(runtime: Runtime): Promise<GatewayRole> {
  const { BURSAR_HOST: host, BURSAR_PORT: port, BURSAR_AUTH: mode } = runtime.options
  const { url, close } = await listen(runtime, port)
  if (!isLocal(host) && mode === 'off') {
    runtime.logger.warn({ host }, 'the gateway asks nobody for a key: keep strangers away from it')
  }
  return { url, close }
}

/**
 * Lets a second terminal find a process that runs embedded without the role gateway: it holds the folder, so nobody
 * else can look into it. @returns null with Redis, where anybody can.
 */
export async function startSocket(runtime: Runtime): Promise<{ close(): Promise<void> } | null> {
  return runtime.redis ? null : await listen(runtime, null)
}

async function listen(
  runtime: Runtime,
  port: number | null,
): Promise<Pick<Gateway, 'url' | 'close'>> {
  const {
    BURSAR_HOST: host,
    BURSAR_DATA: folder,
    SHUTDOWN_TIMEOUT_MS: closeTimeoutMs,
  } = runtime.options
  const socketPath = runtime.redis ? undefined : await socketPathOf(folder)
  const allowance = await allowanceOf(runtime)
  const answers = runtime.guard
    ? createOutageAnswers({
        guard: runtime.guard,
        near: runtime.kept.near,
        onAnswer: countAnswers(runtime.metrics.registry),
        ...(allowance && { allowance, rows: allowance.rows }),
      })
    : undefined
  const here = await startCallsHere(runtime)
  const client = clientOf(runtime, answers, here)
  // Whoever asks first hears why it did not work.
  await client.prepare().catch(() => {})
  const options = { runtime, client, host, port, closeTimeoutMs }
  const gateway = await startGateway({ ...options, ...(socketPath && { socketPath }) })
  if (socketPath) announce(folder, { socket: socketPath, url: gateway.url || null })
  return {
    url: gateway.url,
    async close() {
      if (socketPath) announce(folder, { socket: null, url: null })
      await gateway.close()
      await here.close()
      await client.close()
      await answers?.close()
      await allowance?.close()
    },
  }
}

/** What this gateway may spend while Redis is away; null = embedded, where nothing can be away. */
async function allowanceOf(runtime: Runtime): Promise<RunningAllowance | null> {
  const { guard, options } = runtime
  if (guard === null) return null
  return startAllowance({
    ...runtime,
    guard,
    folder: options.BURSAR_DATA,
    concurrency: options.WORKER_CONCURRENCY,
    resultTtlMs: options.RESULT_TTL_MS,
  })
}
