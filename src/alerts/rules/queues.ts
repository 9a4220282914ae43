import { QUEUES } from '../../queue/names.ts'
import type { CompletionQueue } from '../../queue/queues.ts'
import type { Found, Rule } from './rule.ts'

/** The next job waits for too long: too few workers, or none. @param above - ms. */
export const queueAge: Rule = {
  name: 'queue-age',
  async look({ queues }, above) {
    const found: Found[] = []
    for (const queue of QUEUES) {
      // Handed in by the machine's clock, whatever ours is.
      const value = Date.now() - (await nextSinceMs(queues[queue]))
      if (value <= above) continue
      const measure = { value, threshold: above, unit: 'ms', overMs: null } as const
      found.push({ scope: `queue ${queue}`, facts: { rule: 'queue-age', queue, ...measure } })
    }
    return found
  },
}

/** Since when the job waits that is next. */
async function nextSinceMs(queue: CompletionQueue): Promise<number> {
  const next = await Promise.all([queue.getWaiting(0, 0), queue.getPrioritized(0, 0)])
  return Math.min(Date.now(), ...next.flat().map(({ timestamp }) => timestamp))
}
