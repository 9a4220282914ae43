import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** One entry of an archive; a folder has no bytes of its own. */
interface Entry {
  readonly path: string
  readonly isFolder: boolean
  readonly bytes: Uint8Array
}

// https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06, ustar, read 2026-11-21
const BLOCK = 512
const FIELDS = { name: [0, 100], size: [124, 136], type: [156, 157], prefix: [345, 500] } as const
const FOLDER = '5'

/**
 * Writes an archive of a database's files, as PGlite dumps them, into a new folder that only this user can read.
 * In one go: side by side the 1,000 files took twice as long and three times the CPU, since threads that create files in one
 * folder wait for each other, spinning.
 * @throws Error when an entry leads out of the folder, or there is none.
 */
export function untar(archive: Uint8Array, folder: string): void {
  const entries = [
    ...entriesOf(Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength)),
  ]
  if (entries.length === 0) throw new Error('the archive is empty')
  const folders = new Set([folder])
  for (const { path, isFolder } of entries) {
    folders.add(join(folder, isFolder ? path : dirname(path)))
  }
  for (const path of folders) mkdirSync(path, { recursive: true, mode: 0o700 })
  for (const { path, isFolder, bytes } of entries) {
    if (!isFolder) writeFileSync(join(folder, path), bytes, { mode: 0o600 })
  }
}

function* entriesOf(archive: Buffer): Generator<Entry> {
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK)
    const path = pathOf(header)
    // The end is marked by empty blocks.
    if (path === '') return
    const size = Number.parseInt(field(header, 'size'), 8) || 0
    const start = at + BLOCK
    yield {
      path,
      isFolder: field(header, 'type') === FOLDER,
      bytes: archive.subarray(start, start + size),
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK
  }
}

function pathOf(header: Buffer): string {
  const path = join(field(header, 'prefix'), field(header, 'name')).replace(/^\/+/, '')
  if (path.split('/').includes('..'))
    throw new Error(`the archive leads out of its folder: ${path}`)
  return path === '.' ? '' : path
}

function field(header: Buffer, name: keyof typeof FIELDS): string {
  const [from, to] = FIELDS[name]
  const text = header.toString('utf8', from, to)
  const end = text.indexOf('\0')
  return (end < 0 ? text : text.slice(0, end)).trim()
}
