import { createPartitions } from '../src/ledger/partitions.ts'
import { dropOldMonths } from '../src/ledger/retention.ts'
import type { TickedJob } from './runner.ts'

/** A month whose partition is missing is written to the default one, so that two ahead survive a month of silence. */
const MONTHS_AHEAD = 2

/** Makes the months of the ledger ahead of time, and drops what the policy does not keep. */
export const partitions: TickedJob = {
  name: 'partitions',
  about:
    'make the months of the ledger ahead of time, and drop those that the policy does not keep',
  schedule: '5 */6 * * *',
  missed: 'latest',
  limitMs: 1_800_000,
  async run({ ledger, clock, rules }) {
    const nowMs = clock.now()
    const months = rules.current().policy.ledger?.retentionMonths ?? null
    const made = await createPartitions(ledger, nowMs, MONTHS_AHEAD)
    const dropped = months === null ? [] : await dropOldMonths(ledger, nowMs, months)
    if (made.length + dropped.length === 0) return undefined
    return { made: made.map(nameOf), dropped: dropped.map(nameOf) }
  },
}

const nameOf = ({ name }: { readonly name: string }): string => name
