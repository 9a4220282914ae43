import { createParkRelease, type ParkRelease } from '../src/queue/park-release.ts'
import type { Queues } from '../src/queue/queues.ts'
import type { ScheduledJob } from './runner.ts'

/** What the look before found, for each process that a test or a program runs. */
const releases = new WeakMap<Queues, ParkRelease>()

/** Wakes what waits for a budget that has money again. */
export const releaseParked: ScheduledJob = {
  name: 'release-parked',
  schedule: '*/2 * * * * *',
  async run(runtime) {
    const { queues, clock } = runtime
    // Whoever moves a virtual clock wakes what waits.
    if (clock.virtual) return undefined
    const release = releases.get(queues) ?? createParkRelease(runtime)
    releases.set(queues, release)
    const woken = await release.run(clock.now())
    return woken > 0 ? { woken } : undefined
  },
}
