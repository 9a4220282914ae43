import { once } from 'node:events'
import { PGlite } from '@electric-sql/pglite'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPglitePool, type PglitePool } from '../../src/embedded/pool.ts'
import { createTemplateCache } from '../../src/embedded/template-cache.ts'
import { toWireValue } from '../../src/embedded/wire-value.ts'

/** No pool is over it yet. Making one from nothing takes seconds of CPU. */
async function bareDatabase(): Promise<PGlite> {
  const archive = await createTemplateCache().read()
  return await PGlite.create(archive ? { loadDataDir: new Blob([archive]) } : {})
}

let database: PGlite
let pool: PglitePool

beforeAll(async () => {
  database = await bareDatabase()
  await database.exec('create table notes (id int primary key, text text)')
  pool = createPglitePool(database)
})
afterAll(async () => {
  await pool.end()
  await database.close()
})

const one = async (text: string, params?: readonly unknown[]) =>
  Object.values((await pool.query(text, params)).rows[0] ?? {})[0]

test('rows come back as node-postgres reads them', async () => {
  const { rows, rowCount } = await pool.query(
    `select 1 as i, 9007199254740993::int8 as big, 1.10::numeric as n, true as b, null as nothing,
       '{"a":[1]}'::jsonb as j, array['x','y'] as a, '2026-11-21T12:00:00Z'::timestamptz as t
     from generate_series(1, $1)`,
    [2],
  )
  expect(rowCount).toBe(2)
  expect(rows[1]).toEqual({
    ...{ i: 1, big: '9007199254740993', n: '1.10', b: true, nothing: null },
    ...{ j: { a: [1] }, a: ['x', 'y'], t: new Date('2026-11-21T12:00:00Z') },
  })
})

test('a script of several statements answers with its last result', async () => {
  expect(await pool.query(`select 1 as a; select 2 as b`)).toEqual({
    rows: [{ b: 2 }],
    rowCount: 1,
  })
  expect(await pool.query('listen nobody')).toEqual({ rows: [], rowCount: null })
})

const utils: { prepareValue(value: unknown): unknown } = Reflect.get(pg, 'utils')
const bytes = fc.uint8Array().map((array) => Buffer.from(array))
const scalar = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.bigInt(),
  fc.boolean(),
  fc.constant(null),
  fc.object(),
)
const plain = fc.oneof(scalar, bytes, fc.constant(undefined))

test('parameters are written as node-postgres writes them', () => {
  const deep = fc.oneof(plain, fc.array(plain), fc.array(fc.array(scalar)))
  const asText = (value: unknown) =>
    ArrayBuffer.isView(value)
      ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      : value
  fc.assert(
    fc.property(deep, (value) => {
      // node-postgres leaves bytes in arrays unquoted; both read back the same.
      const theirs = utils.prepareValue(value)
      const ours = toWireValue(value)
      const unquoted = typeof ours === 'string' ? ours.replace(/"(\\\\x[0-9a-f]*)"/g, '$1') : ours
      expect(asText(unquoted)).toEqual(asText(theirs))
    }),
  )
})

test('any text, list and bytes come back as they were sent', async () => {
  const text = fc.string({ unit: 'grapheme' }).map((raw) => raw.replaceAll('\0', ''))
  const law = fc.asyncProperty(text, fc.array(text), bytes, async (word, words, raw) => {
    const { rows } = await pool.query(
      'select $1::text as t, $2::text[] as a, $3::bytea as b, $4::bytea[] as bs',
      [...[word, words, raw, [raw]]],
    )
    expect(rows[0]).toEqual({ t: word, a: words, b: raw, bs: [raw] })
  })
  await fc.assert(law, { numRuns: 50 })
})

test('a statement never lands in the middle of a transaction of somebody else', async () => {
  let insert: Promise<unknown> = Promise.resolve()
  const rolledBack = database.transaction(async (tx) => {
    await tx.query('insert into notes values (1, $1)', ['theirs'])
    insert = pool.query('insert into notes values (2, $1)', ['ours'])
    // A turn of the event loop is all that the statement would need.
    await new Promise(setImmediate)
    await tx.query('select 1')
    throw new Error('changed my mind')
  })
  await expect(rolledBack).rejects.toThrow('changed my mind')
  await insert
  expect((await pool.query('select id from notes order by id')).rows).toEqual([{ id: 2 }])
})

test('a client keeps the session from begin to commit', async () => {
  const client = await pool.connect()
  await client.query('begin')
  await client.query('insert into notes values ($1, $2)', [10, 'mine'])
  const count = one('select count(*)::int from notes where id = $1', [10])
  await new Promise(setImmediate)
  await client.query('rollback')
  client.release()
  expect(await count).toBe(0)
})

test('a transaction that nobody ended ends with its client, or with its statement', async () => {
  const client = await pool.connect()
  await client.query('begin')
  await client.query('insert into notes values (11, null)')
  client.release()
  expect(await one('select count(*)::int from notes where id = 11')).toBe(0)
  await expect(pool.query('begin; insert into notes values (12, null)')).rejects.toThrow(
    'left open',
  )
  expect(await one('select count(*)::int from notes where id = 12')).toBe(0)
})

test('a statement that failed runs again, and leaves its name to nobody else', async () => {
  const divide = 'select 10 / $1::int as q'
  await expect(pool.query(divide, [0])).rejects.toMatchObject({ code: '22012' })
  await expect(pool.query('select $1::int from nowhere', [1])).rejects.toMatchObject({
    code: '42P01',
  })
  expect(await one('select $1::text || $2', ['a', 'b'])).toBe('ab')
  expect(await one(divide, [5])).toBe(2)
  const { rows } = await pool.query(
    'select count(*)::int as n from pg_prepared_statements where statement = $1',
    [divide],
  )
  expect(rows).toEqual([{ n: 1 }])
})

test('every client hears a notification at once, even beside an error', async () => {
  const [one, other] = await Promise.all([pool.connect(), pool.connect()])
  await one.query('LISTEN news')
  const heard = [once(one, 'notification'), once(other, 'notification')]
  await pool.query('select pg_notify($1, $2)', ['news', 'good'])
  expect(await Promise.all(heard)).toEqual([
    [{ channel: 'news', payload: 'good' }],
    [{ channel: 'news', payload: 'good' }],
  ])
  one.release()
  other.release()
})

test('timers run while a backlog of statements waits', async () => {
  let ticks = 0
  const timer = setInterval(() => {
    ticks += 1
  }, 1)
  await Promise.all(Array.from({ length: 300 }, (_, n) => pool.query('select $1::int', [n])))
  clearInterval(timer)
  expect(ticks).toBeGreaterThan(20)
})

test('after the end, queries are refused in words that BullMQ knows', async () => {
  const other = createPglitePool(database)
  await other.end()
  await expect(other.query('select 1')).rejects.toThrow('after calling end on the pool')
})

test('a closed database says so to those who waited for their turn', async () => {
  const closing = await bareDatabase()
  const late = createPglitePool(closing)
  const first = late.query('select 1')
  const closed = closing.close()
  const second = late.query('select 1')
  await first
  await expect(second).rejects.toThrow('closed')
  await closed
})
