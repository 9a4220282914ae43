import { createHash } from 'node:crypto'
import { lstat, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { BursarError } from '../errors.ts'

/**
 * The longest path of a unix socket, bytes: macOS has 104 with the closing NUL, Linux 108. Node cuts a longer one short
 * without a word.
 * @see unix(7), and sys/un.h of macOS
 */
const MOST_BYTES = 103
const OPEN_TO_OTHERS = 0o077

/**
 * Where the process that holds a data folder answers operators: in the folder, or, when that is too deep for a socket,
 * in a folder for temporary files that is this user's alone. The same folder has the same path each time.
 * @throws {BursarError} INVALID_OPTIONS when neither place will do.
 */
export async function socketPathOf(folder: string, temporary = tmpdir()): Promise<string> {
  const within = resolve(folder, 'bursar.sock')
  if (fits(within)) return within
  const own = join(temporary, `bursar-${process.getuid?.() ?? 0}`)
  const name = createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 16)
  const short = join(own, `${name}.sock`)
  if (!fits(short)) throw unusable(within, `${short} is too long as well`)
  await mkdir(own, { recursive: true, mode: 0o700 })
  if (!(await isOurs(own))) throw unusable(within, `${own} is open to others`)
  return short
}

const fits = (path: string): boolean => Buffer.byteLength(path) <= MOST_BYTES

/** Whoever may write there could put a socket of their own in place of ours. */
async function isOurs(folder: string): Promise<boolean> {
  const stats = await lstat(folder)
  if (!process.getuid) return stats.isDirectory()
  return (
    stats.isDirectory() && stats.uid === process.getuid() && (stats.mode & OPEN_TO_OTHERS) === 0
  )
}

const unusable = (path: string, reason: string): BursarError =>
  new BursarError(
    'INVALID_OPTIONS',
    `${path} is too long for a socket, and ${reason}: set BURSAR_DATA to a shorter path, or TMPDIR to a short folder of your own`,
    { detail: { name: 'BURSAR_DATA' } },
  )
