import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../../src/embedded/database.ts'
import { packagedTemplate, templatesIn } from '../../src/embedded/template-cache.ts'
import { untar } from '../../src/embedded/untar.ts'
import { scheduleVacuum } from '../../src/embedded/vacuum.ts'

let folder: string
const opened: EmbeddedDatabase[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-database-'))
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()))
  await rm(folder, { recursive: true })
})

async function open(path: string | null = join(folder, 'data')): Promise<EmbeddedDatabase> {
  const database = await openEmbeddedDatabase({ folder: path })
  opened.push(database)
  return database
}

test('a data folder is made for this user alone, and what is committed in it stays', async () => {
  const first = await open()
  expect((await stat(join(folder, 'data'))).mode & 0o777).toBe(0o700)
  await first.pool.query('create table notes (text text)')
  await first.pool.query('insert into notes values ($1)', ['kept'])
  await Promise.all([first.close(), first.close()])
  const second = await open()
  expect((await second.pool.query('select * from notes')).rows).toEqual([{ text: 'kept' }])
  const tables = await second.pool.query(
    `select table_schema as s from information_schema.tables
     where table_name in ('notes', 'job', 'slot') order by table_name`,
  )
  expect(tables.rows).toEqual([{ s: 'bullmq' }, { s: 'public' }, { s: 'public' }])
})

test('no table of the ledger hides one of the queue', async () => {
  const { pool } = await open(null)
  const { rows } = await pool.query(
    `select tablename from pg_tables where schemaname in ('public', 'bullmq')
     group by tablename having count(*) > 1`,
  )
  expect(rows).toEqual([])
})

test('an open folder is refused, and free again after a failed opening', async () => {
  await open()
  await expect(open()).rejects.toMatchObject({ code: 'DATA_FOLDER_IN_USE' })
  await opened.pop()?.close()
  const version = join(folder, 'data', 'pgdata', 'PG_VERSION')
  await writeFile(version, '17\n')
  await expect(open()).rejects.toMatchObject({ code: 'DATA_FOLDER_UNREADABLE' })
  await writeFile(version, '18\n')
  await open()
})

test('a first start that was cut off leaves nothing that a later one stumbles over', async () => {
  const draft = join(folder, 'data', 'pgdata.new')
  await mkdir(draft, { recursive: true })
  await writeFile(join(draft, 'PG_VERSION'), '18\n')
  const { pool } = await open()
  expect((await pool.query('select epoch from slot')).rowCount).toBe(1)
  expect(await readdir(join(folder, 'data'))).toEqual(['lock.1', 'pgdata'])
})

test('a template is kept whole or not at all, and only where nobody else writes', async () => {
  const place = join(folder, 'cache')
  const cache = templatesIn(place)
  expect(await cache.read()).toBeNull()
  const archive = Buffer.alloc(100_000, 'bursar')
  await cache.write(archive)
  expect(Buffer.from((await cache.read()) ?? [])).toEqual(archive)
  const [name = ''] = await readdir(place)
  await truncate(join(place, name), (await stat(join(place, name))).size - 10)
  expect(await cache.read()).toBeNull()

  const open = join(folder, 'open')
  await mkdir(open, { mode: 0o755 })
  await templatesIn(open).write(archive)
  expect(await readdir(open)).toEqual([])
  const file = join(folder, 'file')
  await writeFile(file, '')
  await templatesIn(join(file, 'cache')).write(archive)
})

test('the build brings a template of these very migrations', async () => {
  expect(await packagedTemplate()).not.toBeNull()
})

test('an archive is unpacked as PGlite packed it, and never outside its folder', async () => {
  const { database } = await open(null)
  const archive = new Uint8Array(await (await database.dumpDataDir('none')).arrayBuffer())
  const out = join(folder, 'out')
  untar(archive, out)
  expect(await readFile(join(out, 'PG_VERSION'), 'utf8')).toBe('18\n')
  const { rows } = await database.query<{ path: string; size: number }>(
    `select pg_relation_filepath(c.oid) as path, pg_relation_size(c.oid)::int as size
     from pg_class c where relkind in ('r', 'i') and relnamespace = 'pg_catalog'::regnamespace
       and not relisshared`,
  )
  for (const { path, size } of rows.slice(0, 20))
    expect((await stat(join(out, path))).size).toBe(size)
  expect(rows.length).toBeGreaterThan(20)

  const evil = Buffer.alloc(1_536)
  evil.write('../evil')
  evil.write('0', 156)
  expect(() => untar(evil, out)).toThrow('leads out')
  expect(() => untar(Buffer.alloc(0), out)).toThrow('empty')
})

test('vacuum cleans what holds many dead rows and leaves the rest alone', async () => {
  const { pool } = await open(null)
  const vacuum = scheduleVacuum(pool)
  expect(await vacuum.run()).toEqual([])
  await pool.query('create table notes as select n from generate_series(1, 5000) n')
  await pool.query('update notes set n = n + $1', [1])
  expect(await vacuum.run()).toEqual(['public.notes'])
  expect(await vacuum.run()).toEqual([])
  await vacuum.stop()
  await vacuum.stop()
})
