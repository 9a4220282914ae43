import { lstat, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { BursarError, messageOf } from '../errors.ts'
import { openEmbeddedLedger } from '../ledger/embedded.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Logger } from '../telemetry/logger.ts'
import { type FolderLock, lockFolder } from './folder-lock.ts'
import { migrateAll } from './migrate.ts'
import { assertNotMoved } from './moved-mark.ts'
import { createPglitePool, type PglitePool } from './pool.ts'
import { createTemplateCache, type TemplateCache } from './template-cache.ts'
import { untar } from './untar.ts'
import { scheduleVacuum } from './vacuum.ts'

export interface EmbeddedDatabaseOptions {
  /** Data folder, created when it is missing; null = in memory, gone when it is closed. */
  readonly folder: string | null
  readonly logger?: Logger
  /** Where the files of a migrated, empty database are kept between starts; absent = this user's temporary files. */
  readonly templates?: TemplateCache
  /** Opens a folder whose content was moved, too: for the move itself. */
  readonly evenIfMoved?: boolean
}

/** A whole PostgreSQL in this process, with the ledger's tables and BullMQ's. */
export interface EmbeddedDatabase {
  readonly database: PGlite
  /** For BullMQ, and for statements of our own. */
  readonly pool: PglitePool
  readonly ledger: Ledger
  /** Closes the database and frees the folder. Close queues and workers before. Safe to call twice. */
  close(): Promise<void>
}

/**
 * Opens the embedded database, migrated to this version, and keeps its folder from other processes.
 *
 * A commit is in the operating system's hands when it returns: it survives kill -9 of this process and is replayed at
 * the next opening. It may not survive a power cut: PGlite runs PostgreSQL without fsync, and its file system has
 * none to offer (https://github.com/electric-sql/pglite/issues/1107, read 2026-11-21). What must survive that
 * belongs in a PostgreSQL.
 * @throws {BursarError} DATA_FOLDER_IN_USE, DATA_FOLDER_MOVED, DATA_FOLDER_UNREADABLE. The folder is free again then.
 */
export async function openEmbeddedDatabase(
  options: EmbeddedDatabaseOptions,
): Promise<EmbeddedDatabase> {
  const { folder, logger, templates = createTemplateCache(), evenIfMoved } = options
  if (folder === null) {
    const loadDataDir = new Blob([await template(templates)])
    return wire(await PGlite.create({ startParams, loadDataDir }), null, logger)
  }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const lock = lockFolder(folder)
  try {
    if (!evenIfMoved) assertNotMoved(folder)
    return await wire(await openCluster(folder, templates), lock, logger)
  } catch (error) {
    lock.release()
    throw error
  }
}

async function wire(
  database: PGlite,
  lock: FolderLock | null,
  logger: Logger | undefined,
): Promise<EmbeddedDatabase> {
  const pool = createPglitePool(database)
  const closeBoth = async () => {
    await pool.end()
    await database.close()
  }
  try {
    await migrateAll(database, pool)
    const ledger = await openEmbeddedLedger(database)
    const vacuum = scheduleVacuum(pool, { logger })
    let closing: Promise<void> | undefined
    const close = async () => {
      await vacuum.stop()
      await ledger.close()
      await closeBoth()
      lock?.release()
    }
    return {
      database,
      pool,
      ledger,
      close() {
        closing ??= close()
        return closing
      },
    }
  } catch (error) {
    await closeBoth()
    throw error
  }
}

async function openCluster(folder: string, templates: TemplateCache): Promise<PGlite> {
  const cluster = join(folder, 'pgdata')
  if (!(await exists(cluster))) await createCluster(cluster, templates)
  await assertVersion(cluster)
  try {
    return await PGlite.create({ startParams, dataDir: cluster, relaxedDurability: false })
  } catch (cause) {
    throw unreadable(cluster, messageOf(cause), cause)
  }
}

/** Whole or not at all: a process that dies meanwhile leaves nothing that a later one would take for a database. */
async function createCluster(cluster: string, templates: TemplateCache): Promise<void> {
  const draft = `${cluster}.new`
  await rm(draft, { recursive: true, force: true })
  untar(await template(templates), draft)
  await rename(draft, cluster)
}

async function template(templates: TemplateCache): Promise<Uint8Array<ArrayBuffer>> {
  const kept = await templates.read()
  if (kept) return kept
  const built = await buildTemplate()
  await templates.write(built)
  return built
}

/** What a template is spared: a spare database that nobody here ever copies, 300 files of 1,300; then the replay of the migrations. */
const FINISHING = [
  'alter database template0 is_template false',
  'drop database template0',
  'checkpoint',
]

async function buildTemplate(): Promise<Uint8Array<ArrayBuffer>> {
  const database = await PGlite.create({ startParams })
  const pool = createPglitePool(database)
  try {
    await migrateAll(database, pool)
    for (const statement of FINISHING) await database.query(statement)
    return new Uint8Array(await (await database.dumpDataDir('none')).arrayBuffer())
  } finally {
    await pool.end()
    await database.close()
  }
}

const PG_VERSION = '18'
/** Not PostgreSQL's 128 MB: it clears its buffers byte by byte when it starts, and the system's cache holds the files as well. */
const startParams = [...PGlite.defaultStartParams, '-c', 'shared_buffers=32MB']

async function assertVersion(cluster: string): Promise<void> {
  const version = await readFile(join(cluster, 'PG_VERSION'), 'utf8').catch(() => '')
  if (version.trim() === PG_VERSION) return
  const reason = version === '' ? 'it has no PG_VERSION' : `it is of PostgreSQL ${version.trim()}`
  throw unreadable(cluster, `${reason}, and this version of Bursar brings ${PG_VERSION}`)
}

const unreadable = (cluster: string, reason: string, cause?: unknown): BursarError =>
  new BursarError(
    'DATA_FOLDER_UNREADABLE',
    `the database in ${cluster} does not open: ${reason}. Open it with the version of Bursar that wrote it, or move the folder away to start afresh`,
    { cause },
  )

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  )
