import type { Runtime } from '../../runtime.ts'
import type { Output } from '../output.ts'
import { spentIn } from '../traffic/collect.ts'
import type { QueueState } from '../traffic/queue-watch.ts'
import type { Tally } from '../traffic/tally.ts'
import { progressText } from './show.ts'

export interface Bar {
  update(tally: Tally, queues: QueueState): void
  stop(): void
}

const SPEND_EVERY_MS = 1_000

/** A progress bar with live spending. */
export function startBar(output: Output, total: number, runtime: Runtime, budget: string): Bar {
  const progress = output.progress(total)
  const startedMs = performance.now()
  let spentNano = 0
  let lookedMs = 0
  const look = async () => {
    spentNano = await spentIn(runtime, budget)
  }
  return {
    update(tally, { delayed }) {
      const nowMs = performance.now()
      if (nowMs - lookedMs > SPEND_EVERY_MS) {
        lookedMs = nowMs
        // The bar may lag; whoever needs Redis says that it is away.
        look().catch(() => {})
      }
      const text = progressText(tally, delayed, spentNano, (nowMs - startedMs) / 1_000)
      progress.update(tally.jobs.size - tally.open, text)
    },
    stop: () => progress.stop(),
  }
}
