import type { Outbox } from '../../src/admission/outbox.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'

const die = (): never => {
  throw new Error('died')
}

/** An outbox whose user dies when `read` has answered, or before `acknowledge` is sent. */
export const dyingAt = (outbox: Outbox, step: 'read' | 'acknowledge'): Outbox => ({
  slot: () => outbox.slot(),
  async read(after, limit) {
    const entries = await outbox.read(after, limit)
    return step === 'read' ? die() : entries
  },
  async acknowledge(epoch, watermark) {
    return step === 'acknowledge' ? die() : await outbox.acknowledge(epoch, watermark)
  },
})

/** A ledger whose user dies when everything is written and nothing committed. */
export const dyingBeforeCommit = (ledger: Ledger): Ledger => ({
  ...ledger,
  transaction: (work) =>
    ledger.transaction(async (tx) => {
      await work(tx)
      return die()
    }),
})
