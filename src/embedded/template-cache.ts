import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { constants, gunzip, gzip } from 'node:zlib'
import { LATEST_SCHEMA_VERSION } from 'bullmq'
import { z } from 'zod'
import { MIGRATIONS } from '../ledger/migrations.ts'

/** Keeps the files of a migrated, empty database, so that only the first start on a machine builds them. */
export interface TemplateCache {
  /** @returns the archive, uncompressed; null when there is none that can be trusted. */
  read(): Promise<Uint8Array<ArrayBuffer> | null>
  /** Keeps it for the next one, if that is possible. Older versions' go. */
  write(archive: Uint8Array): Promise<void>
}

// Raised when the files are made in another way from the same parts.
const FORMAT = 2
const READABLE_BY_OTHERS = 0o077
/** Bytes. Unpacking 36 MB in pieces of zlib's own 16 kB takes three times the CPU. */
const UNPACKED_AT_ONCE = 2 ** 20

/**
 * The archive that the published package brings along, or else one that this user's first start has built: in the
 * tree of the sources it is kept there, otherwise among this user's temporary files.
 */
export function createTemplateCache(): TemplateCache {
  const own = templatesIn(ownFolder())
  return {
    read: async () => (await packagedTemplate()) ?? (await own.read()),
    write: own.write,
  }
}

/** @param folder - of this user alone: whoever writes there chooses what databases hold. */
export function templatesIn(folder: string): TemplateCache {
  return {
    read: async () => ((await isOurs(folder)) ? readFrom(folder) : null),
    async write(archive) {
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        if (!(await isOurs(folder))) return
        const name = await templateName()
        const packed = await promisify(gzip)(archive, { level: constants.Z_BEST_SPEED })
        await writeAtomically(join(folder, name), packed)
        for (const other of await readdir(folder)) {
          if (other !== name && other.endsWith('.tar.gz'))
            await rm(join(folder, other), { force: true })
        }
      } catch {
        // A full or read-only disk costs the next start a few seconds, nothing else.
      }
    },
  }
}

/** Of the project in the sources, of the package once it is installed. */
const ROOT = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../' : '../../../', import.meta.url),
)
/** Made by `npm run build`; as trustworthy as the code beside it. */
const PACKAGED = join(ROOT, 'dist', 'template')

/** The archive that `npm run build` made; null when it made none, or one of other parts. */
export const packagedTemplate = (): Promise<Uint8Array<ArrayBuffer> | null> => readFrom(PACKAGED)

const TREE = join(ROOT, 'node_modules')

const uid = (): number => process.getuid?.() ?? 0
const ownFolder = (): string =>
  existsSync(TREE) ? join(TREE, '.cache', 'bursar') : join(tmpdir(), `bursar-${uid()}`)

/** Absent or cut off is null: it is only a shortcut. */
async function readFrom(folder: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    const packed = await readFile(join(folder, await templateName()))
    return await promisify(gunzip)(packed, { chunkSize: UNPACKED_AT_ONCE })
  } catch {
    return null
  }
}

async function isOurs(folder: string): Promise<boolean> {
  const stats = await lstat(folder).catch(() => null)
  if (stats === null) return false
  // Windows has a folder for temporary files per user, and no such modes.
  if (process.platform === 'win32') return stats.isDirectory()
  return stats.isDirectory() && stats.uid === uid() && (stats.mode & READABLE_BY_OTHERS) === 0
}

async function writeAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.${randomUUID()}`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

const Package = z.object({ version: z.string() })

/** Names everything that the files are made from. */
async function templateName(): Promise<string> {
  const hash = createHash('sha256')
  hash.update(JSON.stringify([FORMAT, await pgliteVersion(), LATEST_SCHEMA_VERSION]))
  const { migrationsFolder } = MIGRATIONS
  for (const name of (await readdir(migrationsFolder))
    .filter((one) => one.endsWith('.sql'))
    .sort()) {
    hash.update(name).update(await readFile(join(migrationsFolder, name)))
  }
  return `pgdata-${hash.digest('hex').slice(0, 16)}.tar.gz`
}

async function pgliteVersion(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  const text = await readFile(join(dirname(entry), '..', 'package.json'), 'utf8')
  return Package.parse(JSON.parse(text)).version
}
