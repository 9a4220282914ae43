import type { ScheduledJob } from './runner.ts'

/** One command stays well under a millisecond of Redis time. */
const PAGE_HOLDS = 100

/** Turns holds that nobody renewed or settled into unconfirmed entries of their whole amount. */
export const expireHolds: ScheduledJob = {
  name: 'expire-holds',
  schedule: '*/5 * * * * *',
  async run({ store, metrics }) {
    let expired = 0
    let heldNano = 0
    for (;;) {
      const reply = await store.expire(PAGE_HOLDS)
      if (reply.outcome !== 'expired') return { closed: reply.outcome }
      expired += reply.holds.length
      for (const hold of reply.holds) heldNano += hold.holdNano
      if (!reply.more) break
    }
    if (expired === 0) return undefined
    metrics.unconfirmed.inc({ model: 'expired' }, expired)
    return { expired, heldNano }
  },
}
