import { compareCounters } from './compare-counters.ts'
import type { ScheduledJob } from './runner.ts'

const SHOWN = 10

/** Watches law 5: a counter that the ledger does not explain is logged as an error until it is mended. */
export const verifyLedger: ScheduledJob = {
  name: 'verify-ledger',
  schedule: '*/5 * * * *',
  async run({ store, ledger, logger }) {
    const compared = await compareCounters(store, ledger)
    if (!compared || compared.differing.length === 0) return undefined
    const { differing, windows } = compared
    logger.error(
      { windows, differing: differing.length, first: differing.slice(0, SHOWN) },
      'counters and ledger do not agree',
    )
    return undefined
  },
}
