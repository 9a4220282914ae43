import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type Finding, ok, warn, wrong } from './finding.ts'

const OLDEST_NODE = [20, 19] as const

/** Judges the version of Node.js, as in `process.versions.node`. */
export function judgeNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [needMajor, needMinor] = OLDEST_NODE
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return ok('node', version)
  return wrong('node', version, `install Node.js ${needMajor}.${needMinor} or later`)
}

const MIB = 1024 ** 2
const SCARCE_MIB = 1024
const LAST_MIB = 100

/** Judges free space. @param freeBytes - what an unprivileged process may still write. */
export function judgeDisk(folder: string, freeBytes: number): Finding {
  const freeMib = Math.floor(freeBytes / MIB)
  const found = `${freeMib.toLocaleString('en-US')} MiB free in ${folder}`
  const mend = 'free some space: bills, logs and journals are written here'
  if (freeMib < LAST_MIB) return wrong('disk', found, mend)
  return freeMib < SCARCE_MIB ? warn('disk', found, mend) : ok('disk', found)
}

/** Looks at the file system that holds a folder, which need not exist yet. */
export async function checkDisk(folder: string): Promise<Finding> {
  let existing = resolve(folder)
  while (!existsSync(existing)) existing = dirname(existing)
  const { bavail, bsize } = await statfs(existing)
  return judgeDisk(existing, bavail * bsize)
}
