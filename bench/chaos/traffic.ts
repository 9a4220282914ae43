import { setTimeout as pause } from 'node:timers/promises'
import { send } from '../../src/cli/replay/send.ts'
import type { SpreadRequest } from '../../src/cli/replay/spread.ts'
import { type Draw, drawInt } from '../../src/cli/traffic/draw.ts'
import { createTally, outcomeOf, type Tally } from '../../src/cli/traffic/tally.ts'
import { createResults } from '../../src/queue/results.ts'
import type { Runtime } from '../../src/runtime.ts'
import { FEATURES, TENANTS } from './policy.ts'

/** Callers who hand requests in for as long as they are let. */
export interface Traffic {
  readonly tally: Tally
  /** Hands nothing more in; resolves when everything was accepted. */
  stop(): Promise<void>
  /** Asks for every result that nobody heard, as a caller does who comes back; then hears nothing more. */
  askForRest(): Promise<void>
}

const MOST_OPEN = 150
const BREATH_MS = 50
const DEADLINE_MS = 10_000
const PAGE = 500

export function startTraffic(runtime: Runtime, draw: Draw): Traffic {
  const results = createResults(runtime.store)
  const tally = createTally()
  const sending = new Set<Promise<void>>()
  const failures: unknown[] = []
  let stopped = false

  async function loop(): Promise<void> {
    while (!stopped) {
      const sent = send(nextRequest(draw), { runtime, results, tally, again: patiently })
      const one = sent.catch((error: unknown) => void failures.push(error))
      sending.add(one)
      void one.then(() => sending.delete(one))
      const full = tally.open >= MOST_OPEN
      await Promise.race([full ? tally.nextEnd() : one, pause(BREATH_MS)])
    }
  }

  const looping = loop()
  return {
    tally,
    async stop() {
      stopped = true
      await looping
      await Promise.all(sending)
      if (failures.length > 0) throw failures[0]
    },
    async askForRest() {
      await results.close()
      const unheard = [...tally.jobs].filter(([, outcome]) => outcome === null).map(([job]) => job)
      for (let at = 0; at < unheard.length; at += PAGE) {
        const jobs = unheard.slice(at, at + PAGE)
        const stored = await runtime.store.results(jobs)
        jobs.forEach((job, i) => {
          const text = stored[i]
          if (text) tally.ended(job, outcomeOf(text))
        })
      }
    },
  }
}

/** Redis is away for seconds, and a caller waits for it: the same job id makes that harmless. */
const patiently = async (): Promise<void> => void (await pause(100))

/** One in eight asks what somebody asked before: hits and joined calls. */
function nextRequest(draw: Draw): SpreadRequest {
  const tenant = drawInt(draw, TENANTS)
  const subject = draw() < 0.125 ? drawInt(draw, 10) : drawInt(draw, 2 ** 31)
  const waits = draw() < 0.3
  return {
    stream: draw() < 0.4,
    input: {
      user: `u${drawInt(draw, 300)}`,
      tenant: `t${tenant}`,
      tags: { feature: `f${drawInt(draw, FEATURES)}` },
      model: 'auto',
      urgency: waits ? 'deferrable' : 'interactive',
      ...(waits && { deadline: DEADLINE_MS }),
      max_completion_tokens: 32 + drawInt(draw, 96),
      messages: [{ role: 'user', content: `Explain subject ${subject} to me.` }],
    },
  }
}
