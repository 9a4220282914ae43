import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'

const PRLIMIT = '/usr/bin/prlimit'
/** Whether this machine can say how large a file of a process may grow. */
export const canFillDisk = existsSync(PRLIMIT)

const limit = (soft: number | 'unlimited') =>
  promisify(execFile)(PRLIMIT, ['--pid', String(process.pid), `--fsize=${soft}:`])

/** No file of this process grows beyond `bytes` until `work` has ended: the disk is full in the middle of a write. */
export async function withFullDisk<T>(bytes: number, work: () => Promise<T>): Promise<T> {
  await limit(bytes)
  try {
    return await work()
  } finally {
    await limit('unlimited')
  }
}
