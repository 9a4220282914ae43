import { createPartitions } from '../src/ledger/partitions.ts'
import type { TickedJob } from './runner.ts'

/** A month whose partition is missing is written to the default one, so that two ahead survive a month of silence. */
const MONTHS_AHEAD = 2

/** Makes the months of the ledger ahead of time. */
export const partitions: TickedJob = {
  name: 'partitions',
  about: 'make the months of the ledger ahead of time',
  schedule: '5 */6 * * *',
  missed: 'latest',
  limitMs: 1_800_000,
  async run({ ledger, clock }) {
    const made = await createPartitions(ledger, clock.now(), MONTHS_AHEAD)
    return made.length > 0 ? { made: made.map(({ name }) => name) } : undefined
  },
}
