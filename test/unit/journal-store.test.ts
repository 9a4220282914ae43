import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { AdmitCommand, SettleCommand } from '../../src/admission/commands.ts'
import type { JournalDatabase } from '../../src/admission/journal/database.ts'
import { journalOver } from '../../src/admission/journal/pglite.ts'
import { JOURNAL_SCHEMA } from '../../src/admission/journal/schema.ts'
import { createJournaledStore } from '../../src/admission/journal/store.ts'
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../../src/embedded/database.ts'
import { attemptMeta } from '../helpers/attempt-meta.ts'

/** What lies between the store and its database: it can be stopped, made to fail, and counts the commits. */
class Wire implements JournalDatabase {
  readonly #database: JournalDatabase
  commits = 0
  /** How the next commits end: before the database has them, after it has, or well. */
  fate: 'well' | 'lost' | 'written-but-lost' = 'well'
  #opened: Promise<void> = Promise.resolve()
  open: () => void = () => {}
  #arrived: () => void = () => {}

  constructor(database: JournalDatabase) {
    this.#database = database
  }

  /** Stops the next commit; resolves when it has arrived. It goes on with `open`. */
  close(): Promise<void> {
    this.#opened = new Promise((resolve) => {
      this.open = resolve
    })
    return new Promise((resolve) => {
      this.#arrived = resolve
    })
  }

  async query(text: string, params?: readonly unknown[]) {
    if (!text.includes('slot.save(')) return this.#database.query(text, params)
    this.commits += 1
    this.#arrived()
    await this.#opened
    if (this.fate === 'lost') throw new Error('no space left on device')
    const rows = await this.#database.query(text, params)
    if (this.fate === 'written-but-lost') throw new Error('the connection broke')
    return rows
  }
}

let embedded: EmbeddedDatabase
let database: JournalDatabase
let wire: Wire
let nowMs: number
beforeAll(async () => {
  embedded = await openEmbeddedDatabase({ folder: null })
  database = journalOver(embedded.database)
  for (const statement of JOURNAL_SCHEMA) await database.query(statement)
})
beforeEach(async () => {
  await database.query('truncate slot.record, slot.outbox')
  wire = new Wire(database)
  nowMs = Date.UTC(2026, 10, 21)
})
afterAll(() => embedded.close())

const reopen = (over: JournalDatabase = database) =>
  createJournaledStore({ database: over, clock: () => nowMs })

async function opened() {
  const store = await reopen(wire)
  await store.open(1)
  wire.commits = 0
  return store
}

const META = attemptMeta()
const LANE = { kind: 'concurrent', key: 'lanes', limit: 100 } as const
const WINDOW = 'company:ever'

const asking = (attempt: string, windowKey = WINDOW): AdmitCommand => ({
  attempt,
  job: `job of ${attempt}`,
  policy: 1,
  windows: [
    { key: windowKey, startMs: 0, endMs: 9_000_000_000_000, limitNano: 1_000_000, marks: [] },
  ],
  rungs: [
    {
      gate: 'p:m',
      fixedNano: 10,
      outputPico: 0,
      capTokens: 0,
      floorTokens: 0,
      until: null,
      inputTokens: 0,
    },
  ],
  limits: [LANE],
  cacheKey: null,
  maxTakes: 9,
  ttlMs: 60_000,
  meta: META,
})

const settling = (attempt: string): SettleCommand => ({
  attempt,
  job: `job of ${attempt}`,
  kind: 'settled',
  costNano: 7,
  atMs: nowMs,
  holdNano: 10,
  windows: [WINDOW],
  tokens: null,
  meta: META,
  detail: '',
  conclusion: {
    outcome: 'answered',
    reason: '',
    result: '"fine"',
    replyTo: 'client',
    resultTtlMs: 60_000,
  },
  cache: null,
  gate: null,
})

const moneyOf = async (store: Awaited<ReturnType<typeof reopen>>, key = WINDOW) => {
  const [window] = await store.peek([key])
  return window && { spent: window.spentNano, held: window.heldNano }
}

test('a hold is not answered, looked at or told before it is on disk', async () => {
  const store = await opened()
  const said: string[] = []
  await store.onResult('client', (job) => said.push(`result of ${job}`))
  await store.admit(asking('a'))
  const arrived = wire.close()
  const settled = store.settle(settling('a')).then(() => said.push('settled'))
  const looked = store.peek([WINDOW]).then(() => said.push('looked'))
  const result = store.result('job of a').then(() => said.push('read'))
  await arrived
  expect(said).toEqual([])
  // The ledger may ask at any time, and is shown nothing that could still be lost.
  expect(await store.outbox.read('0', 10)).toEqual([])
  // Killed here, the next process finds the hold open.
  expect(await moneyOf(await reopen())).toEqual({ spent: 0, held: 10 })
  wire.open()
  await Promise.all([settled, looked, result])
  expect(said[0]).toBe('result of job of a')
  expect(said).toHaveLength(4)
  expect(await store.outbox.read('0', 10)).toHaveLength(1)
  expect(await moneyOf(await reopen())).toEqual({ spent: 7, held: 0 })
})

test('64 commands of one turn share a commit, and those that come meanwhile the next', async () => {
  const store = await opened()
  const arrived = wire.close()
  const first = Array.from({ length: 64 }, (_, i) => store.admit(asking(`a${i}`)))
  await arrived
  const meanwhile = Array.from({ length: 64 }, (_, i) => store.admit(asking(`b${i}`)))
  wire.open()
  await Promise.all([...first, ...meanwhile])
  expect(wire.commits).toBe(2)
})

test('looking writes nothing', async () => {
  const store = await opened()
  await store.admit(asking('a'))
  wire.commits = 0
  await store.peek([WINDOW])
  await store.peekLimits([LANE])
  await store.windows()
  await store.results(['job of a'])
  await store.body('job of a')
  await store.outbox.slot()
  await store.outbox.read('0', 10)
  expect(wire.commits).toBe(0)
})

test.each(['lost', 'written-but-lost'] as const)(
  'a commit that is %s is tried again before anything else, and refuses what comes until then',
  async (fate) => {
    const store = await opened()
    const told: string[] = []
    await store.onResult('client', (job) => told.push(job))
    await store.admit(asking('a'))
    wire.fate = fate
    const failed = { code: 'STORE_UNAVAILABLE', retryable: true }
    await expect(store.settle(settling('a'))).rejects.toMatchObject(failed)
    await expect(store.admit(asking('b'))).rejects.toMatchObject(failed)
    await expect(store.peek([WINDOW])).rejects.toMatchObject(failed)
    expect(told).toEqual([])
    expect(await store.outbox.read('0', 10)).toEqual([])
    wire.fate = 'well'
    // The refused admission was not carried out; the settlement was, and its replay says so.
    expect(await store.settle(settling('a'))).toMatchObject({ outcome: 'unchanged', bookedNano: 7 })
    expect(told).toEqual(['job of a'])
    expect(await moneyOf(store)).toEqual({ spent: 7, held: 0 })
    const again = await reopen()
    expect(await moneyOf(again)).toEqual({ spent: 7, held: 0 })
    expect(await again.outbox.read('0', 10)).toEqual(await store.outbox.read('0', 10))
  },
)

test('the ledger may read the outbox inside a transaction of the same database', async () => {
  const store = await opened()
  await store.admit(asking('a'))
  await store.settle(settling('a'))
  const later = await embedded.database.transaction(async () => {
    const meanwhile = store.admit(asking('b'))
    expect(await store.outbox.slot()).toMatchObject({ epoch: 1 })
    expect(await store.outbox.read('0', 10)).toHaveLength(1)
    return { meanwhile }
  })
  expect(await later.meanwhile).toMatchObject({ outcome: 'held' })
})

test('what the process before left open becomes unconfirmed, and its lanes come back', async () => {
  const before = await opened()
  await before.admit(asking('a'))
  await before.admit(asking('b'))
  await before.admit(asking('done'))
  await before.settle(settling('done'))
  nowMs += 1 // long before the holds expire
  const after = await reopen()
  expect(await after.open(1)).toBe('already-open')
  expect(await after.recover()).toEqual({ unconfirmed: 2, unconfirmedNano: 20 })
  expect(await moneyOf(after)).toEqual({ spent: 27, held: 0 })
  expect(await after.peekLimits([LANE])).toMatchObject([{ remaining: 100 }])
  expect(await after.recover()).toEqual({ unconfirmed: 0, unconfirmedNano: 0 })
  // Its late bill still corrects the booking.
  expect(await after.settle(settling('a'))).toMatchObject({ outcome: 'adjusted', bookedNano: 7 })
})

test('the outbox goes on where it stopped, also when the clock went back and all was acknowledged', async () => {
  const before = await opened()
  await before.admit(asking('a'))
  await before.settle(settling('a'))
  const [first] = await before.outbox.read('0', 10)
  expect(await before.outbox.acknowledge(1, first?.id ?? '')).toBe('acknowledged')
  nowMs -= 3_600_000
  const after = await reopen()
  await after.admit(asking('b'))
  await after.settle(settling('b'))
  const [second] = await after.outbox.read(first?.id ?? '', 10)
  expect(second).toMatchObject({ attempt: 'b' })
  expect(await database.query('select id from slot.outbox')).toEqual([{ id: second?.id }])
})

test('names that PostgreSQL refuses are kept all the same', async () => {
  const before = await opened()
  const odd = ['nul \0', 'half a pair \ud800', 'quote " back \\ slash', 'é 漢 🎈']
  for (const name of odd) await before.admit(asking(name, `${name}:ever`))
  const after = await reopen()
  for (const name of odd) {
    expect(await moneyOf(after, `${name}:ever`)).toEqual({ spent: 0, held: 10 })
    expect(await after.admit(asking(name, `${name}:ever`))).toMatchObject({ outcome: 'held', n: 1 })
  }
})

test('what memory forgets is forgotten on disk', async () => {
  const store = await opened()
  await store.admit(asking('a'))
  await store.settle(settling('a'))
  nowMs += 145 * 3_600_000
  await store.expire(10)
  const rows = await database.query('select distinct kind from slot.record order by kind')
  expect(rows).toEqual([{ kind: 'slot' }, { kind: 'windows' }])
})

test('a record that cannot be read is named, and nothing is opened without it', async () => {
  const store = await opened()
  await store.admit(asking('a'))
  await database.query("update slot.record set value = '{}' where kind = 'windows'")
  await expect(reopen()).rejects.toMatchObject({
    code: 'UNREADABLE_REPLY',
    message: expect.stringContaining(`windows ${WINDOW}`),
  })
})

test('an outbox that misses an entry is not opened', async () => {
  const store = await opened()
  for (const attempt of ['a', 'b', 'c']) {
    await store.admit(asking(attempt))
    await store.settle(settling(attempt))
  }
  await database.query('delete from slot.outbox where seq = 1')
  await expect(reopen()).rejects.toMatchObject({ code: 'UNREADABLE_REPLY' })
})
