import { creditCommand } from '../src/ledger/credit-command.ts'
import { openCredits } from '../src/ledger/credits.ts'
import type { ScheduledJob } from './runner.ts'

/** Tells the slot of every credit that may still count: one that it missed, and one whose end it missed. */
export const repeatCredits: ScheduledJob = {
  name: 'repeat-credits',
  schedule: '*/20 * * * * *',
  async run({ ledger, store, clock }) {
    for (const credit of await openCredits(ledger, clock.now())) {
      const { outcome } = await store.credit(creditCommand(credit))
      if (outcome === 'unavailable' || outcome === 'epoch-changed') return { closed: outcome }
    }
    return undefined
  },
}
