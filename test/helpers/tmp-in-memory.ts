import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'

const MEMORY = '/dev/shm'
const NAME = 'bursar-tests-'
/** All tests of a run together leave less than 2 GiB. */
const ENOUGH_BYTES = 4 * 1024 ** 3

/**
 * Gives the temporary files of this process and its children a folder in memory, where the machine has the room.
 * Private servers and embedded databases sync every write; a file system that waits for a disk takes twice the time,
 * and a disk that others share makes a Redis stand still for a second. What dies in tests is processes, never power.
 */
export function keepTmpInMemory(): void {
  if (process.env.TMPDIR || !hasRoom()) return
  for (const name of readdirSync(MEMORY))
    if (name.startsWith(NAME) && !isAlive(Number(name.slice(NAME.length).split('-')[0])))
      rmSync(join(MEMORY, name), { recursive: true, force: true })
  const folder = mkdtempSync(join(MEMORY, `${NAME}${process.pid}-`))
  // PostgreSQL refuses to run as root, so its files belong to somebody else.
  chmodSync(folder, 0o755)
  process.env.TMPDIR = folder
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
}

function hasRoom(): boolean {
  if (!existsSync(MEMORY)) return false
  const { bavail, bsize } = statfsSync(MEMORY)
  return bavail * bsize >= ENOUGH_BYTES
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
