import { ROLES, startRoles } from '../../../workers/main.ts'
import type { Runtime } from '../../runtime.ts'
import { aborted } from '../command.ts'

/**
 * Serves what a demo left, as `bursar start` would, until the signal aborts. The runtime is closed then.
 * @param told - where the gateway listens, once it does.
 */
export async function stay(
  runtime: Runtime,
  signal: AbortSignal,
  told: (url: string) => void,
): Promise<void> {
  const running = await startRoles(ROLES, runtime)
  if (running.gatewayUrl) told(running.gatewayUrl)
  void aborted(signal).then(running.close)
  await running.closed
}
