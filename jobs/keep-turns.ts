import { keepQueueTurns } from '../src/queue/fair-sweep.ts'
import { QUEUES } from '../src/queue/names.ts'
import type { ScheduledJob } from './runner.ts'

/** Keeps the turns of the queues within what a queue's priorities can say. */
export const keepTurns: ScheduledJob = {
  name: 'keep-turns',
  schedule: '20 * * * * *',
  async run({ store, queues }) {
    const figures: Record<string, unknown> = {}
    for (const name of QUEUES) {
      const kept = await keepQueueTurns(name, { store, queues })
      if (kept) figures[name] = kept
    }
    return figures
  },
}
