import { startRoles } from '../../../workers/main.ts'
import type { Environment } from '../../config/options.ts'
import { readOptions } from '../../config/options.ts'
import { type Clock, createFollowingClock } from '../../queue/clock.ts'
import { createRuntime, redisOf } from '../../runtime.ts'
import { createLogger } from '../../telemetry/logger.ts'
import { aborted } from '../command.ts'
import { dieWithParent, tellParent } from '../traffic/parent.ts'
import { followDriverClock } from './virtual-clock.ts'

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
