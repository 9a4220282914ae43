import { clientOf } from '../runtime/client-of.ts'
import type { Runtime } from '../runtime.ts'
import { startGateway } from './server.ts'

/** The gateway as one of the roles of a process. */
export interface GatewayRole {
  /** Where it listens, e.g. `http://127.0.0.1:8080`. */
  readonly url: string
  close(): Promise<void>
}

/** Addresses at which nobody but this machine listens. */
const LOCAL = /^(127\.|::1$|localhost$)/

/** Starts the gateway over a runtime. @throws {BursarError} INVALID_OPTIONS when its port is taken. */
export async function startGatewayRole(runtime: Runtime): Promise<GatewayRole> {
  const { options, logger } = runtime
  const { BURSAR_HOST: host, BURSAR_PORT: port, SHUTDOWN_TIMEOUT_MS: closeTimeoutMs } = options
  const client = clientOf(runtime)
  const gateway = await startGateway({ runtime, client, host, port, closeTimeoutMs })
  if (!LOCAL.test(host)) {
    logger.warn({ host }, 'the gateway asks nobody for a key: keep strangers away from it')
  }
  return {
    url: gateway.url,
    async close() {
      await gateway.close()
      await client.close()
    },
  }
}
