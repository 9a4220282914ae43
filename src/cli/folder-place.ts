import { embeddedPlace } from '../admin/place/embedded.ts'
import type { OpenPlace } from '../admin/place/stores.ts'
import type { Environment, Options } from '../config/options.ts'
import { realClock } from '../queue/clock.ts'
import { closeQueues, openQueues } from '../queue/queues.ts'
import { openEmbeddedHome } from '../runtime/embedded-home.ts'
import { createLogger } from '../telemetry/logger.ts'

/**
 * Opens a data folder that nobody has open, to look into it. Calls that were under way when its process died are booked
 * whole on the way, as at every opening.
 * @throws {BursarError} DATA_FOLDER_IN_USE, DATA_FOLDER_UNREADABLE, SLOT_CLOSED.
 */
export async function openFolderPlace(options: Options, env: Environment): Promise<OpenPlace> {
  const closers: (() => unknown)[] = []
  const close = async () => {
    for (const end of closers.splice(0).toReversed()) await end()
  }
  try {
    const logger = createLogger({ level: 'silent', name: 'bursar-cli' })
    const home = await openEmbeddedHome({ options, clock: realClock, logger, closers })
    const queues = openQueues(home.backend)
    closers.push(() => closeQueues(queues))
    return { ...embeddedPlace({ ...home, queues, options, env }), close }
  } catch (error) {
    await close()
    throw error
  }
}
