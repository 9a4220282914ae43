import { loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { DEMO_PROVIDER, demoPolicy } from '../src/cli/demo/demo-policy.ts'
import { createDraw } from '../src/cli/traffic/draw.ts'
import { type Bench, type Figures, round } from './bench.ts'
import { childAt } from './child-at.ts'
import { percentile } from './load.ts'
import { startProvider } from './service.ts'
import { askOnce, type Ended } from './users/ask.ts'
import { nextQuestion, thinkMs, userAt } from './users/people.ts'
import { child, startWorkerHome } from './worker-home.ts'

const USERS = 200
const WORKER_LANES = 64
const CACHED_WITHIN_MS = 100

/**
 * People in front of the demo's policy and provider: each asks, reads, and asks again. Whatever is refused by another
 * than the policy is a fault, and the exit code is 1.
 */
export const bench: Bench = async ({ seconds, note, users = USERS }) => {
  const provider = await startProvider(DEMO_PROVIDER.latencyMs, DEMO_PROVIDER.faults)
  const policy = demoPolicy(provider.url)
  const home = await startWorkerHome(
    { concurrency: WORKER_LANES, policy, provider: async () => provider },
    note,
  )
  const gateway = await childAt(child('gateway-child.js', [], { ...home.env, BURSAR_PORT: '0' }))
  try {
    // What a process loads at its first request is no user's.
    const [first, draw] = [userAt(0), createDraw(0)]
    await askOnce(gateway.url, first, nextQuestion(draw))
    note(`${users} people for ${seconds} s; load average ${loadavg()[0]?.toFixed(1)}`)
    const untilMs = performance.now() + seconds * 1_000
    const ended = await Promise.all(
      Array.from({ length: users }, (_, at) => live(gateway.url, at, untilMs)),
    )
    return figuresOf(ended.flat(), users, seconds)
  } finally {
    await gateway.stop()
    await home.stop()
  }
}

/** One person's minute. They do not all sit down at the same instant. */
async function live(url: string, at: number, untilMs: number): Promise<Ended[]> {
  const [user, draw] = [userAt(at), createDraw(1, at)]
  const ended: Ended[] = []
  for (;;) {
    const waitMs = thinkMs(draw)
    if (performance.now() + waitMs >= untilMs) return ended
    await pause(waitMs)
    ended.push(await askOnce(url, user, nextQuestion(draw)))
  }
}

const KINDS = ['cached', 'joined', 'answered', 'answered-stream', 'refused'] as const

function figuresOf(ended: readonly Ended[], users: number, seconds: number): Figures {
  const figures: Record<string, number | string> = { users, seconds, requests: ended.length }
  for (const kind of KINDS) {
    const all = ended.filter((one) => one.kind === kind)
    figures[kind] = all.length
    const took = all.map(({ tookMs }) => tookMs)
    for (const share of [50, 95, 99]) {
      figures[`${kind}P${share}Ms`] = round(percentile(took, share / 100), 1)
    }
  }
  for (const [code, count] of countsOf(ended)) figures[code] = count
  const faults = ended.filter(({ kind }) => kind === 'fault').length
  const cachedMs = percentile(
    ended.flatMap(({ kind, tookMs }) => (kind === 'cached' ? [tookMs] : [])),
    0.95,
  )
  if (faults > 0) process.exitCode = 1
  return {
    ...figures,
    ...{ faults, cachedInTime: cachedMs < CACHED_WITHIN_MS ? 'yes' : 'no' },
    loadAverage: round(loadavg()[0] ?? 0, 1),
  }
}

/** Refusals and faults, by code. */
function countsOf(ended: readonly Ended[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { kind, code } of ended) {
    if (code === '') continue
    const name = `${kind === 'fault' ? 'fault' : 'refused'}:${code}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}
