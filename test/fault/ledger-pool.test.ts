import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Ledger, rowsOf, run } from '../../src/ledger/ledger.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { prepared } from '../../src/ledger/prepared.ts'
import { freshDatabase, withClient } from '../helpers/postgres.ts'

const Pid = z.object({ pid: z.number() })

/** Which backend serves the next statement. */
const pidOf = async ({ db }: Pick<Ledger, 'db'>): Promise<number> =>
  (await rowsOf(db, Pid, sql`select pg_backend_pid() as pid`))[0]?.pid ?? 0

const POOLED = `from pg_stat_activity where application_name = 'pooled' and datname = current_database()`

/** Stands before a database; `forget`: what is connected stays open, and nothing passes any more. */
async function startProxy(databaseUrl: string) {
  const target = new URL(databaseUrl)
  const { hostname, port } = target
  const pairs: { near: Socket; far: Socket }[] = []
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    for (const socket of [near, far]) socket.on('error', () => {})
    near.pipe(far).pipe(near)
    pairs.push({ near, far })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  target.port = String(typeof address === 'object' ? address?.port : '')
  return {
    url: target.href,
    forget() {
      for (const { near, far } of pairs) {
        near.unpipe(far)
        far.unpipe(near).destroy()
        near.resume()
      }
    },
    async stop() {
      for (const { near } of pairs) near.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Answers each connection as PgBouncer 1.18 does one with settings that it was not told to pass over. */
async function startPooler() {
  const fields = ['SFATAL', 'C08P01', 'Munsupported startup parameter: options', ''].join('\0')
  const answer = Buffer.from(`E\0\0\0\0${fields}\0`, 'latin1')
  answer.writeInt32BE(answer.length - 1, 1)
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(answer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : ''
  return {
    url: `postgresql://bursar@127.0.0.1:${port}/bursar`,
    stop: () => new Promise((resolve) => server.close(resolve)),
  }
}

describe('connections of the ledger', () => {
  let databaseUrl: string
  beforeAll(async () => {
    databaseUrl = await freshDatabase()
  })

  const opened: Ledger[] = []
  afterAll(() => Promise.all(opened.map((ledger) => ledger.close())))
  async function open(options: Partial<Parameters<typeof openLedger>[0]> = {}): Promise<Ledger> {
    const ledger = await openLedger({ databaseUrl, applicationName: 'pooled', ...options })
    opened.push(ledger)
    return ledger
  }

  /** Holds so many transactions open at once, while `meanwhile` runs. @returns the backends that served them. */
  async function atOnce(
    ledger: Ledger,
    count: number,
    meanwhile: () => Promise<void> = async () => {},
  ): Promise<number[]> {
    const pids: number[] = []
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    const one = () =>
      ledger.transaction(async (tx) => {
        pids.push(await pidOf({ db: tx }))
        if (pids.length === count) await meanwhile().finally(open)
        await gate
      })
    await Promise.all(Array.from({ length: count }, one))
    return pids
  }

  test('twenty serve at once, and the twenty-first waits for one of them', async () => {
    const ledger = await open({ connectTimeoutMs: 1_000 })
    const pids = await atOnce(ledger, 20, async () => {
      await expect(pidOf(ledger)).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
    })
    expect(new Set(pids).size).toBe(20)
    expect(pids).toContain(await pidOf(ledger))
  })

  test('backends that were ended while nobody used them are not noticed by whoever comes next', async () => {
    const ledger = await open({ checkAfterMs: 0 })
    const before = await atOnce(ledger, 5)
    await withClient(databaseUrl, (client) =>
      client.query(`select pg_terminate_backend(pid) ${POOLED}`),
    )
    const after = await Promise.all([
      ...Array.from({ length: 5 }, () => pidOf(ledger)),
      ...(await atOnce(ledger, 5)),
    ])
    expect(after.filter((pid) => before.includes(pid))).toEqual([])
  })

  // Red when connections are handed out unasked: the statement waits for an answer until its own time is over.
  test('connections that a firewall forgot are not noticed either', async () => {
    const proxy = await startProxy(databaseUrl)
    const ledger = await open({ databaseUrl: proxy.url, checkAfterMs: 0 })
    const before = await atOnce(ledger, 3)
    proxy.forget()
    const after = await Promise.all([pidOf(ledger), pidOf(ledger), pidOf(ledger)])
    expect(after.filter((pid) => before.includes(pid))).toEqual([])
    await ledger.close()
    await proxy.stop()
  }, 20_000)

  const Kept = z.object({ plans: z.string() })
  const ask = prepared(sql`select 1 as one`)
  /** How often each statement was planned or run by its plan that this connection keeps. */
  const keptOf = (ledger: Ledger) =>
    ledger.transaction(async (tx) => {
      await run(tx, ask)
      return rowsOf(
        tx,
        Kept,
        sql`select (generic_plans + custom_plans)::text as plans from pg_prepared_statements`,
      )
    })

  test('what is prepared keeps its plan from one transaction to the next', async () => {
    const ledger = await open({ poolSize: 1 })
    expect(await keptOf(ledger)).toEqual([{ plans: '1' }])
    expect(await keptOf(ledger)).toEqual([{ plans: '2' }])
  })

  test('behind a pooler that changes backends nothing is prepared any more', async () => {
    const ledger = await open({ poolSize: 1 })
    await keptOf(ledger)
    // What a transaction finds whose backend has served others meanwhile.
    await run(ledger.db, sql`deallocate all`)
    expect(await keptOf(ledger)).toEqual([])
    expect(await keptOf(ledger)).toEqual([])
  })

  test('a pooler that takes no settings is named, with what to do', async () => {
    const pooler = await startPooler()
    const opening = open({ databaseUrl: pooler.url })
    await expect(opening).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
      message: expect.stringContaining('unsupported startup parameter: options): let it pass'),
    })
    await pooler.stop()
  })

  test('a connection is replaced when its time is over', async () => {
    const ledger = await open({ poolSize: 1, maxLifetimeS: 1 })
    const first = await pidOf(ledger)
    await expect.poll(() => pidOf(ledger), { timeout: 10_000 }).not.toBe(first)
  })
})
