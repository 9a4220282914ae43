import type { AdmissionStore } from '../admission/store.ts'
import { Passing } from '../collections/passing.ts'
import { messageOf } from '../errors.ts'
import { levelFor } from '../telemetry/level-for.ts'
import type { Logger } from '../telemetry/logger.ts'

/** Keeps the holds of a process alive: one timer and one command for all of its calls. */
export interface Renewer {
  add(attempt: string, job: string): void
  remove(attempt: string): void
  close(): void
}

interface RenewerOptions {
  readonly store: Pick<AdmissionStore, 'renew'>
  /** How long a hold lives without renewal. */
  readonly ttlMs: number
  /** The hold is gone: its call must stop believing in it. */
  readonly onLost: (job: string, attempt: string) => void
  readonly logger: Logger
}

interface Live {
  readonly job: string
  renewedAtMs: number
}

// Two renewals may fail before a hold runs out; a call that ends within a third of it costs none at all.
const PARTS = 3

export function createRenewer({ store, ttlMs, onLost, logger }: RenewerOptions): Renewer {
  const live = new Passing<Live>()
  const everyMs = ttlMs / PARTS
  let timer: NodeJS.Timeout | undefined

  async function renewDue(): Promise<void> {
    const nowMs = Date.now()
    const due = [...live].filter(([, { renewedAtMs }]) => nowMs - renewedAtMs >= everyMs)
    if (due.length === 0) return
    const reply = await store.renew({ attempts: due.map(([attempt]) => attempt), ttlMs })
    if (reply.outcome !== 'renewed') return
    const lost = new Set(reply.lost)
    for (const [attempt, one] of due) {
      one.renewedAtMs = nowMs
      if (lost.has(attempt) && live.delete(attempt)) onLost(one.job, attempt)
    }
  }

  const tick = () => {
    renewDue().catch((error: unknown) => {
      logger[levelFor(error)]({ reason: messageOf(error) }, 'holds were not renewed; trying again')
    })
  }

  return {
    add(attempt, job) {
      live.set(attempt, { job, renewedAtMs: Date.now() })
      timer ??= setInterval(tick, everyMs / 2).unref()
    },
    remove: (attempt) => void live.delete(attempt),
    close() {
      clearInterval(timer)
      timer = undefined
      live.clear()
    },
  }
}
