import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { childEnv } from '../helpers/child-env.ts'
import { compiled } from '../helpers/compiled.ts'
import { completions, openBench, openOnPglite } from '../integration/embedded-places.ts'

const CHILD = await compiled(new URL('./embedded-child.ts', import.meta.url))

let folder: string
const children: ChildProcess[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-kill-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(folder, { recursive: true })
})

/** A process that adds jobs and is killed after it has said `count` of them. @returns what it said. */
async function addUntilKilled(count: number): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD], {
    env: { ...childEnv(), FOLDER: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const exited = once(child, 'exit')
  const said: string[] = []
  for await (const id of createInterface({ input: child.stdout })) {
    if (said.push(id) === count) child.kill('SIGKILL')
  }
  await exited
  return said
}

// Three starts of a process, on machines that do other things as well.
test('kill -9 between add and take loses no job that was added, and the lock of the dead is taken over', {
  timeout: 180_000,
}, async () => {
  const said = [...(await addUntilKilled(40)), ...(await addUntilKilled(15))]
  expect(said.length).toBeGreaterThanOrEqual(55)
  const place = await openOnPglite(folder)
  const bench = openBench(place, 'batch')
  // One more than it said may be there: it died before it could say so.
  const count = await bench.queue.getJobCountByTypes('prioritized')
  expect(count).toBeGreaterThanOrEqual(said.length)
  const done = await completions(
    bench.work(async () => {}, { concurrency: 8 }),
    count,
  )
  const ids = done.map((job) => job.id)
  expect(new Set(ids).size).toBe(count)
  expect(said.filter((id) => !ids.includes(id))).toEqual([])
  expect(count - said.length).toBeLessThanOrEqual(2)
  await bench.close()
  await place.close()
})
