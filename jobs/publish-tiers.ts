import { tiersAfter } from '../src/ledger/user-tiers.ts'
import { publishTiers as publish } from '../src/queue/tier-shelf.ts'
import type { ScheduledJob } from './runner.ts'

/** Tells every process of tiers that were set while it could not be told. */
export const publishTiers: ScheduledJob = {
  name: 'publish-tiers',
  schedule: '*/10 * * * * *',
  async run({ ledger, shelf }) {
    const after = (version: number, limit: number) => tiersAfter(ledger, version, limit)
    const published = await publish(shelf.tiers, after)
    return published > 0 ? { published } : undefined
  },
}
