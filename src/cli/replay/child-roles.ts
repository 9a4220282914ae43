import { type Sandbox, startSandbox } from '../../../sandbox/server.ts'
import { startRoles } from '../../../workers/main.ts'
import type { Environment } from '../../config/options.ts'
import { readOptions } from '../../config/options.ts'
import { type Clock, createFollowingClock } from '../../queue/clock.ts'
import { createRuntime, redisOf } from '../../runtime.ts'
import { createLogger } from '../../telemetry/logger.ts'
import { aborted } from '../command.ts'
import type { Ready } from './children.ts'
import { followDriverClock } from './virtual-clock.ts'

const tellParent = (ready: Ready): void => void process.send?.(ready)

/**
 * Ends this process when its parent is gone: nobody is left to work for.
 * @returns closes the channel in peace.
 */
function dieWithParent(): () => void {
  const die = () => process.exit(1)
  process.once('disconnect', die)
  return () => {
    process.off('disconnect', die)
    process.disconnect?.()
  }
}

/** Takes jobs and drains the outbox in the driver's time, until SIGTERM. */
export async function runWorker(env: Environment, signal: AbortSignal): Promise<void> {
  const partInPeace = dieWithParent()
  const options = readOptions(env)
  const clock: Clock = {
    ...createFollowingClock(),
    wakes: true,
    catchUp: () => following.catchUp(),
  }
  const logger = createLogger({ level: options.LOG_LEVEL, name: 'replay-worker' })
  const runtime = await createRuntime(options, { env, clock, logger, sandbox: false })
  const following = followDriverClock(redisOf(runtime).commands, options.BURSAR_PREFIX, clock)
  await following.catchUp()
  const running = await startRoles(['completions', 'ledger'], runtime)
  void aborted(signal).then(running.close)
  tellParent({ ready: true })
  await running.closed
  following.stop()
  partInPeace()
}

export interface SandboxRole {
  readonly bill: string
  readonly seed: number
  readonly faults: string
}

/** Serves the simulated provider until SIGTERM. */
export async function runSandbox(role: SandboxRole, signal: AbortSignal): Promise<void> {
  const partInPeace = dieWithParent()
  const sandbox: Sandbox = await startSandbox(role)
  tellParent({ ready: true, url: sandbox.url })
  await aborted(signal)
  await sandbox.close()
  partInPeace()
}
