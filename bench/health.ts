import { setTimeout as pause } from 'node:timers/promises'
import { type Bench, round } from './bench.ts'
import { openFolder, startProvider, startService } from './service.ts'

/** What waits while it is asked; workers chew all along, so more is handed in. */
const BACKLOG = 2_000
const SPARE = 600
const HANDED_AT_ONCE = 500
const HANDING_LANES = 16
const EVERY_MS = 10

/** Every request is another one, so that no cache answers and none joins. */
async function handIn(url: string, jobs: number): Promise<void> {
  let left = jobs
  const lane = async () => {
    while (left > 0) {
      left -= 1
      const reply = await fetch(`${url}/v1/jobs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          ...{ user: `u${left % 1_000}`, model: 'auto', urgency: 'deferrable' },
          messages: [{ role: 'user', content: `Explain recursion to student ${left}` }],
        }),
      })
      if (reply.status !== 202) throw new Error(`a job was not taken: ${await reply.text()}`)
      await reply.arrayBuffer()
    }
  }
  await Promise.all(Array.from({ length: HANDING_LANES }, lane))
}

async function answersIn(url: string): Promise<number> {
  const startMs = performance.now()
  const reply = await fetch(`${url}/health`)
  await reply.arrayBuffer()
  if (reply.status !== 200) throw new Error(`health is ${reply.status}`)
  return performance.now() - startMs
}

/** Jobs that the process has settled so far. */
async function ended(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return [...text.matchAll(/^bursar_requests_total\{[^}]*\} (\d+)/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  )
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? 0

/** How soon an embedded process says that it is well while 2,000 jobs wait and its workers chew them; asked from another process. */
export const bench: Bench = async ({ seconds, note }) => {
  const provider = await startProvider()
  const folder = await openFolder(provider.url)
  const service = await startService(folder.path)
  try {
    note(`handing in until ${BACKLOG + SPARE} jobs wait`)
    let handedIn = 0
    let before = 0
    while (before < BACKLOG + SPARE) {
      await handIn(service.url, HANDED_AT_ONCE)
      handedIn += HANDED_AT_ONCE
      before = handedIn - (await ended(service.url))
    }
    note(`${before} wait; asking every ${EVERY_MS} ms for ${seconds} s at least`)
    const times: number[] = []
    const startMs = performance.now()
    while (performance.now() - startMs < seconds * 1_000) {
      times.push(await answersIn(service.url))
      await pause(EVERY_MS)
    }
    const left = handedIn - (await ended(service.url))
    times.sort((a, b) => a - b)
    return {
      handedIn,
      waitingBefore: before,
      waitingAfter: left,
      samples: times.length,
      p50Ms: round(percentile(times, 0.5), 1),
      p99Ms: round(percentile(times, 0.99), 1),
      maxMs: round(times.at(-1) ?? 0, 1),
    }
  } finally {
    await service.stop()
    await provider.stop()
    await folder.remove()
  }
}
