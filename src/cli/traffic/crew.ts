import { startCompletionWorkers } from '../../../workers/completions.ts'
import { startLedgerWorker } from '../../../workers/ledger.ts'
import type { Runtime } from '../../runtime.ts'

/** Who works in this very process: takes jobs, and drains the outbox. */
export interface Crew {
  /** Lets what runs end, for `limitMs` at most. Call it before the runtime's. Safe to call twice. */
  close(limitMs: number): Promise<void>
}

/** Starts a crew over a runtime. */
export async function startCrew(runtime: Runtime): Promise<Crew> {
  const { ledger, store, options } = runtime
  const workers = await startCompletionWorkers(runtime)
  const drain = startLedgerWorker({ ledger, outbox: store.outbox, batch: options.LEDGER_BATCH })
  let closing: Promise<void> | undefined
  const close = async (limitMs: number) => {
    await workers.close(limitMs)
    await drain.close()
  }
  return {
    close(limitMs) {
      closing ??= close(limitMs)
      return closing
    },
  }
}
