import { startSandbox } from '../../../sandbox/server.ts'
import { aborted } from '../command.ts'
import { dieWithParent, tellParent } from './parent.ts'

export interface SandboxRole {
  readonly bill: string
  readonly seed: number
  readonly faults: string
  /** Time to the first byte, ms. */
  readonly latencyMs: number
}

/** Serves the simulated provider until SIGTERM. */
export async function runSandbox(role: SandboxRole, signal: AbortSignal): Promise<void> {
  const partInPeace = dieWithParent()
  const sandbox = await startSandbox(role)
  tellParent({ ready: true, url: sandbox.url })
  await aborted(signal)
  await sandbox.close()
  partInPeace()
}
