import { setTimeout as pause } from 'node:timers/promises'
import { createResults } from '../../queue/results.ts'
import type { Runtime } from '../../runtime.ts'
import type { Driven } from '../traffic/collect.ts'
import { delayedJobs, type QueueState, restingJobs } from '../traffic/queue-watch.ts'
import { createTally, type Tally } from '../traffic/tally.ts'
import type { CheckedTrace } from './check-trace.ts'
import { send } from './send.ts'
import { createSpread } from './spread.ts'
import { readTrace } from './trace.ts'
import type { TraceRow } from './trace-types.ts'
import type { Speed } from './types.ts'
import type { DriverClock } from './virtual-clock.ts'
import { startWatch, type Watch } from './watch.ts'

export interface DriveOptions {
  readonly runtime: Runtime
  readonly clock: DriverClock
  readonly trace: CheckedTrace
  readonly seed: number
  readonly speed: Speed
  /** Requests that may be on their way at once, those that wait not counted. */
  readonly inFlight: number
  readonly signal: AbortSignal
  /** Told several times a second. */
  readonly told: (tally: Tally, queues: QueueState) => void
  /** Called once everything is handed in. */
  readonly allSent: () => void
}

/** After the last request time goes on at least this fast, so that a minute of limits takes a second. */
const LEAST_SPEED = 60
/** Nothing at all moved for this long: then something is stuck, and the judge shall say what. */
const STUCK_MS = 60_000

/**
 * Hands a trace in at its own times, and lets time go on until nothing but parked work is left.
 * @throws {BursarError} CANCELLED when the signal aborts, STORE_UNAVAILABLE.
 */
export async function drive(options: DriveOptions): Promise<Driven> {
  const { runtime, clock, speed, signal } = options
  const results = createResults(runtime.store)
  const tally = createTally()
  const watch = startWatch(runtime, clock, signal, (queues) => options.told(tally, queues))
  try {
    const sending: Promise<void>[] = []
    const pace = createPace(options, tally, watch)
    const spread = createSpread({
      policy: runtime.rules.current().policy,
      seed: options.seed,
      rows: options.trace.rows,
    })
    for await (const row of rowsOf(options)) {
      await pace(row)
      const sent = send(spread(row), { runtime, results, tally })
      sent.catch(watch.fail)
      sending.push(sent)
    }
    await Promise.all(sending)
    options.allSent()
    clock.run(speed === 'max' ? LEAST_SPEED : Math.max(speed, LEAST_SPEED))
    const parked = await untilQuiet(runtime, tally, watch)
    return { tally, quiet: parked !== null, parked: parked ?? (await delayedJobs(runtime.queues)) }
  } finally {
    await watch.stop()
    await results.close()
  }
}

async function* rowsOf({ trace }: DriveOptions): AsyncGenerator<TraceRow, void> {
  for await (const row of readTrace(trace.file, trace.format, trace.startMs)) {
    yield row
    if (row.index + 1 >= trace.rows) return
  }
}

/** Waits until a row may be handed in: its time has come, and not too much is on its way. */
function createPace({ clock, speed, inFlight }: DriveOptions, tally: Tally, watch: Watch) {
  let running = false
  return async ({ atMs }: TraceRow): Promise<void> => {
    if (speed !== 'max' && !running) clock.run(speed)
    running = true
    while (tally.open - watch.queues.delayed >= inFlight) {
      await Promise.race([tally.nextEnd(), watch.nextLook()])
    }
    while (speed !== 'max' && clock.now() < atMs) {
      await Promise.race([pause((atMs - clock.now()) / speed), watch.nextLook()])
    }
    clock.follow(atMs)
  }
}

/** @returns the jobs that wait for money; null when nothing moved for long, and yet something else was left. */
async function untilQuiet(
  { queues }: Runtime,
  tally: Tally,
  watch: Watch,
): Promise<ReadonlySet<string> | null> {
  let before = ''
  let sinceMs = performance.now()
  for (;;) {
    await watch.nextLook()
    const { busy, delayed } = watch.queues
    const mayRest = busy === 0 && tally.open === delayed
    const parked = mayRest ? await restingJobs(queues) : null
    if (parked) return parked
    const state = `${busy} ${tally.open}`
    if (state !== before) sinceMs = performance.now()
    before = state
    if (performance.now() - sinceMs > STUCK_MS) return null
  }
}
