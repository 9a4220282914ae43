import { messageOf } from '../errors.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { newestSnapshot, readTimeline } from '../ledger/price-snapshots.ts'
import type { PriceTimeline } from '../pricing/timeline.ts'
import type { Clock } from '../queue/clock.ts'
import type { Logger } from '../telemetry/logger.ts'

/** The price lists that a process prices by. */
export interface PriceLists {
  /** Another object when a list was imported. */
  current(): PriceTimeline
  close(): void
}

/** How soon a process prices by what was imported. */
const LOOK_EVERY_MS = 5_000
/** A clock that is behind still finds the list of its time. */
const SLACK_MS = 3_600_000

/**
 * Reads the imported price lists and looks for new ones. While the ledger is away, what is known holds.
 * @throws {BursarError} LEDGER_UNAVAILABLE.
 */
export async function openPriceLists(
  ledger: Ledger,
  clock: Clock,
  logger: Logger,
): Promise<PriceLists> {
  let newest = -1
  let timeline: PriceTimeline = []

  async function look(): Promise<void> {
    const number = await newestSnapshot(ledger)
    if (number === newest) return
    // Virtual time may be any.
    timeline = await readTimeline(ledger, clock.virtual ? 0 : clock.now() - SLACK_MS)
    if (newest >= 0) logger.info({ prices: number }, 'a new price list is known')
    newest = number
  }

  await look()
  let looking = false
  const timer = setInterval(() => {
    if (looking) return
    looking = true
    look()
      .catch((error: unknown) =>
        logger.debug({ reason: messageOf(error) }, 'newer price lists could not be read'),
      )
      .finally(() => {
        looking = false
      })
  }, LOOK_EVERY_MS)
  timer.unref()
  return { current: () => timeline, close: () => clearInterval(timer) }
}
