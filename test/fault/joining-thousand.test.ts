import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { expireHolds } from '../../jobs/expire-holds.ts'
import { rowsOf } from '../../src/ledger/ledger.ts'
import { childEnv } from '../helpers/child-env.ts'
import { compiled } from '../helpers/compiled.ts'
import { gate, type Rig, startRig, until } from '../integration/queue-rig.ts'
import { type Heard, HeardSchema } from './heard.ts'

const CHILD = await compiled(new URL('./worker-child.ts', import.meta.url))
const ASKER = await compiled(new URL('./asker-child.ts', import.meta.url))
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PROCESSES = 4
const ASKERS = 1_000

/** A call is joined as long as its first hold lasts: the crowd must have asked by then. */
const QUICK = { JOB_LOCK_MS: '5000', STALLED_INTERVAL_MS: '1000', HOLD_TTL_MS: '30000' }

let rig: Rig
const children: ChildProcess[] = []
const callers: ChildProcess[] = []

async function startWorker(): Promise<void> {
  const env = { ...childEnv(), ...rig.env, DIES: 'tells-of-calls' }
  const child = spawn(process.execPath, [CHILD], {
    cwd: ROOT,
    env: { ...env, PROVIDER_URL: rig.tap.url },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  await once(child.stdout, 'data')
  child.stdout.on('data', (said) => {
    if (String(said).includes('calling')) callers.push(child)
  })
}

beforeAll(async () => {
  rig = await startRig({ env: QUICK, workers: false })
  await Promise.all(Array.from({ length: PROCESSES }, startWorker))
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rig.close()
})

/** A thousand ask the same from four processes, each as fast as it can, and all wait. */
async function askAll(name: string): Promise<Heard> {
  const heard = Array.from({ length: PROCESSES }, async (_, at) => {
    const words = [ASKER, name, String(at), String(ASKERS / PROCESSES)]
    const child = spawn(process.execPath, words, {
      cwd: ROOT,
      env: { ...childEnv(), ...rig.env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    children.push(child)
    const [message] = await Promise.race([once(child, 'message'), endedEarly(child)])
    return HeardSchema.parse(message)
  })
  return (await Promise.all(heard)).flat()
}

async function endedEarly(child: ChildProcess): Promise<never> {
  const [code] = await once(child, 'exit')
  throw new Error(`a process that asks ended with ${code} before it had heard all`)
}

/** More of them than ever fitted into one reply of earlier versions. */
const untilCrowded = () =>
  until(async () => {
    const { interactive, batch } = rig.runtime.queues
    const counts = await Promise.all([interactive, batch].map((queue) => queue.getDelayedCount()))
    return counts.reduce((sum, count) => sum + count, 0) > 600
  })

const Row = z.object({ outcome: z.string(), reason: z.string(), requests: z.coerce.number() })
const requestsOf = (tenant: string) =>
  rowsOf(
    rig.runtime.ledger.db,
    Row,
    sql`select outcome, reason, count(*) as requests from requests where tenant = ${tenant} group by 1, 2`,
  )

it('a thousand who ask the same of four processes at once get a thousand answers for one call', async () => {
  const { wait, open } = gate()
  rig.tap.decide = () => ({ wait })
  const asking = askAll('thunder')
  await untilCrowded()
  open()
  const answers = await asking
  expect(answers).toHaveLength(ASKERS)
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(rig.tap.calls).toHaveLength(1)
  const [payer] = answers.filter(({ cache }) => cache === 'miss')
  expect(answers.reduce((sum, { costNano }) => sum + costNano, 0)).toBe(
    rig.sandbox.stats().billedNano,
  )
  await rig.drain()
  const paidBy = payer?.attempt ?? ''
  const rows = await requestsOf('default')
  const served = rows.filter(({ outcome }) => outcome !== 'answered')
  expect(rows.filter(({ outcome }) => outcome === 'answered')).toMatchObject([{ requests: 1 }])
  // Who came when the answer was there is `cached`; everybody else has joined.
  expect(served.map(({ reason }) => reason)).toEqual(served.map(() => paidBy))
  expect(served.reduce((sum, { requests }) => sum + requests, 0)).toBe(ASKERS - 1)
  const joined = served.find(({ outcome }) => outcome === 'joined')
  expect(joined?.requests).toBeGreaterThan(600)
}, 120_000)

/** The hold of the dead worker ends, and is booked. */
const untilBooked = () =>
  until(async () => {
    await expireHolds.run(rig.runtime)
    await rig.drain()
    const windows = await rig.runtime.store.peek(await rig.runtime.store.windows())
    return windows.every((window) => window?.heldNano === 0)
  })

it('the one that pays is killed midway: a thousand answers all the same, for two calls, each booked', async () => {
  const before = { calls: rig.tap.calls.length, billedNano: rig.sandbox.stats().billedNano }
  callers.length = 0
  const { wait, open } = gate()
  rig.tap.decide = () => (rig.tap.calls.length === before.calls + 1 ? { wait } : undefined)
  const asking = askAll('lightning')
  await untilCrowded()
  const [payer] = callers
  payer?.kill('SIGKILL')
  const answers = await asking
  open()
  expect(answers).toHaveLength(ASKERS)
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(rig.tap.calls).toHaveLength(before.calls + 2)
  await untilBooked()
  const attempts = rig.tap.calls.slice(before.calls).map(({ attempt }) => attempt)
  const booked = await rowsOf(
    rig.runtime.ledger.db,
    z.object({ attempt: z.string(), status: z.string(), whole: z.boolean() }),
    sql`select attempt, status, cost_nano = hold_nano as whole from entries`,
  )
  expect(booked.find(({ attempt }) => attempt === attempts[0])).toMatchObject({
    status: 'unconfirmed',
    whole: true,
  })
  expect(booked.find(({ attempt }) => attempt === attempts[1])).toMatchObject({
    status: 'confirmed',
  })
}, 120_000)
