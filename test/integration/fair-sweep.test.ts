import { DelayedError, type Job } from 'bullmq'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMemoryStore } from '../../src/admission/memory.ts'
import { LAP, LOOK_AGAIN_MS, priorityOf, UNIT } from '../../src/admission/model/fair.ts'
import { emptySlot } from '../../src/admission/model.ts'
import type { CompletionQueue } from '../../src/queue/backend.ts'
import { keepQueueTurns, sweepTurns } from '../../src/queue/fair-sweep.ts'
import { type Bench, completions, openBench, PLACES, type Place } from './embedded-places.ts'

const FIRST = { lap: 0 }
/** The turn at so many units of virtual time, in the first lap. */
const turn = (units: number): number => priorityOf(FIRST, units * UNIT)

describe.each(PLACES)('turns in a queue on $name', ({ open }) => {
  let place: Place
  let bench: Bench
  beforeEach(async () => {
    place = await open()
    bench = openBench(place)
  })
  afterEach(async () => {
    await bench.close()
    await place.close()
  })

  test('a sweep brings what waits, runs and is parked to the lap, in the same order, once', async () => {
    // More than a page, and handed in against their order.
    const units = Array.from({ length: 130 }, (_, i) => LAP + 130 - i)
    const waiting = await Promise.all(units.map((at) => bench.add({ priority: turn(at) })))
    const parked = await bench.add({ priority: turn(LAP - 20) })
    const worker = bench.work(async (job, token) => {
      if (job.id !== parked || job.attemptsStarted > 1) return
      await worker.pause(true)
      await job.moveToDelayed(Date.now() + 60_000, token)
      throw new DelayedError()
    })
    await new Promise<void>((resolve) => worker.once('paused', () => resolve()))
    await expect.poll(() => bench.queue.getDelayedCount()).toBe(1)

    expect(await sweepTurns(bench.queue, 1)).toEqual({ moved: 131, clean: true })
    expect(await sweepTurns(bench.queue, 1)).toEqual({ moved: 0, clean: true })
    expect(await priorityOfJob(bench.queue, parked)).toBe(priorityOf({ lap: 1 }, 0))
    expect(await priorityOfJob(bench.queue, waiting[0])).toBe(
      priorityOf({ lap: 1 }, (LAP + 130) * UNIT),
    )
    // What came first in the old lap comes first in the new one, behind nobody who came later.
    const served = completions(worker, 130)
    await worker.resume()
    expect((await served).map(({ id }: Job) => id)).toEqual(waiting.toReversed())
  })

  test('a lap that is over is turned once, and a minute later what waits is known to be of it', async () => {
    const clock = { nowMs: 1_000_000 }
    const state = emptySlot()
    const store = createMemoryStore({ clock: () => clock.nowMs, state })
    await store.open(1)
    const queues = { interactive: bench.queue, batch: bench.queue }
    const keep = () => keepQueueTurns('interactive', { store, queues })
    const id = await bench.add({ priority: turn(LAP + 3) })
    expect(await keep()).toBeNull()
    const turns = state.turns.get('interactive')
    if (!turns) throw new Error('no turns')
    turns.virtual = (LAP + 1) * UNIT
    expect(await keep()).toEqual({ lap: 1, moved: 1 })
    expect(await keep()).toBeNull()
    expect(await priorityOfJob(bench.queue, id)).toBe(priorityOf({ lap: 1 }, (LAP + 3) * UNIT))
    // Handed in before the lap turned, and in the queue only now.
    const straggler = await bench.add({ priority: turn(LAP + 1) })
    clock.nowMs += LOOK_AGAIN_MS
    expect(await keep()).toEqual({ lap: 1, moved: 1 })
    expect(await priorityOfJob(bench.queue, straggler)).toBe(
      priorityOf({ lap: 1 }, (LAP + 1) * UNIT),
    )
    expect(turns).toMatchObject({ lap: 1, cleanLap: 1 })
    await store.close()
  })
})

const priorityOfJob = async (queue: CompletionQueue, id: string | undefined) =>
  (await queue.getJob(id ?? ''))?.priority
