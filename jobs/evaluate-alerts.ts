import { claimLook, lookAfter, raiseThresholds, takeFindings } from '../src/alerts/evaluate.ts'
import type { World } from '../src/alerts/place.ts'
import { lookAll } from '../src/alerts/rules/look-all.ts'
import { isBursarError } from '../src/errors.ts'
import { type ParkTally, tallyParked } from '../src/queue/park-tally.ts'
import type { Runtime } from '../src/runtime.ts'
import type { ScheduledJob } from './runner.ts'

/** Thresholds are told within seconds; what is measured moves slowly. */
const LOOK_EVERY_MS = 60_000

/**
 * Raises alerts. Every process looks: what one has raised, the others find done, and one alone measures each minute.
 */
export const evaluateAlerts: ScheduledJob = {
  name: 'evaluate-alerts',
  schedule: '*/5 * * * * *',
  async run(runtime) {
    const world = worldOf(runtime)
    try {
      const thresholds = await raiseThresholds(world)
      const measured = (await claimLook(world.ledger, world.nowMs, LOOK_EVERY_MS))
        ? await measure(runtime, world)
        : { raised: 0, resolved: 0 }
      const tended = await lookAfter(world)
      return told({ ...measured, ...tended, raised: thresholds + measured.raised })
    } catch (error) {
      // What is away says so elsewhere; the next look comes soon.
      if (isBursarError(error) && error.retryable) return { unlooked: error.code }
      throw error
    }
  },
}

async function measure(runtime: Runtime, world: World) {
  const { rules, findings } = await lookAll({ ...world, logger: runtime.logger })
  return takeFindings(world, rules, findings)
}

function worldOf({ ledger, store, rules, clock, queues, redis }: Runtime): World {
  const { policy, prices } = rules.current()
  let tally: Promise<ParkTally> | undefined
  const parked = () => {
    tally ??= tallyParked(queues)
    return tally
  }
  return { ledger, slot: store, policy, prices, nowMs: clock.now(), queues, redis, parked }
}

/** Nothing to say is nothing said. */
const told = (figures: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(figures).filter(([, count]) => count > 0))
