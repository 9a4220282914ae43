import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { endLostRequests } from '../../jobs/end-lost-requests.ts'
import { expireHolds } from '../../jobs/expire-holds.ts'
import type { RequestMeta } from '../../src/admission/outbox.ts'
import { getRequest } from '../../src/ledger/queries/get-request.ts'
import { listEntries } from '../../src/ledger/queries/list-entries.ts'
import { endLost } from '../../src/queue/end-lost.ts'
import { childEnv } from '../helpers/child-env.ts'
import { ask, POLICY, type Rig, startRig, until } from '../integration/queue-rig.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))
const INLINE = POLICY.replace('attempts: 3', 'attempts: 3, execute: inline')
const Listening = z.object({ msg: z.literal('the gateway listens'), url: z.string() })

let rig: Rig
let child: ChildProcess
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-gateway-kill-'))
  rig = await startRig({ policy: INLINE, env: { HOLD_TTL_MS: '1000' }, workers: false })
})
afterAll(async () => {
  child.kill('SIGKILL')
  await rig.close()
  await rm(folder, { recursive: true })
})

/** A gateway as it is published, in a process of its own. @returns where it listens. */
async function startChild(): Promise<string> {
  const file = join(folder, 'bursar.yaml')
  const there = /base_url: \S+\n +key: \S+/
  await writeFile(file, INLINE.replace(there, `base_url: ${rig.tap.url}\n    key: any`))
  const env = { BURSAR_POLICY: file, BURSAR_PORT: '0', LOG_LEVEL: 'info' }
  child = spawn(process.execPath, [PROGRAM, 'start', '--roles', 'gateway'], {
    env: { ...childEnv(), ...rig.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (!child.stdout) throw new Error('a child has its output')
  for await (const line of createInterface({ input: child.stdout })) {
    const said = line.startsWith('{') ? Listening.safeParse(JSON.parse(line)) : null
    if (!said?.success) continue
    child.stdout.resume()
    return said.data.url
  }
  throw new Error('the gateway ended before it listened')
}

it('a gateway killed inside its own call: the call is booked, and the request ends as failed, once', async () => {
  const url = await startChild()
  rig.tap.decide = () => ({ wait: new Promise(() => {}) })
  const asked = fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-bursar-tags': 'feature=tutor' },
    body: JSON.stringify(ask('who is there')),
  })
  asked.catch(() => {})
  await rig.tap.arrived(1)
  child.kill('SIGKILL')
  await expect(asked).rejects.toThrow()

  const { runtime } = rig
  await until(async () => {
    await expireHolds.run(runtime)
    await rig.drain()
    return (await listEntries(runtime.ledger)).entries.length === 1
  })
  const job = (await listEntries(runtime.ledger)).entries[0]?.job ?? ''
  expect(await getRequest(runtime.ledger, job)).toMatchObject({
    end: null,
    attempts: [{ status: 'unconfirmed', seen: null }],
  })
  // However many processes look.
  const looks = await Promise.all([endLostRequests.run(runtime), endLostRequests.run(runtime)])
  expect(looks.filter((found) => found?.ended === 1)).toHaveLength(1)
  await rig.drain()
  expect(await endLostRequests.run(runtime)).toBeUndefined()
  expect((await getRequest(runtime.ledger, job))?.end).toMatchObject({
    ...{ outcome: 'failed', reason: 'PROVIDER_OUTCOME_UNKNOWN' },
    ...{ userId: 'rich', tier: 'premium', tags: { feature: 'tutor' } },
  })
  await expect(rig.client.result(job)).rejects.toMatchObject({
    ...{ code: 'PROVIDER_OUTCOME_UNKNOWN', retryable: true },
  })
})

it('what a queue has goes on, whatever became of its first call', async () => {
  const { jobId } = await rig.client.enqueue(ask('still waiting'))
  const { runtime } = rig
  const meta: RequestMeta = {
    tenant: 'default',
    user: 'rich',
    tier: 'premium',
    tags: {},
    operation: 'chat.completions',
    urgency: 'interactive',
    modelRequested: 'auto',
    enqueuedAtMs: 0,
  }
  expect(await endLost(jobId, meta, { ...runtime, resultTtlMs: 60_000 })).toBe(false)
  expect(await runtime.store.result(jobId)).toBeNull()
})
