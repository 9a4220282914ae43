import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { BursarError, messageOf } from '../../errors.ts'

/**
 * Writes a file that is there whole or not at all: under another name until its last byte is on disk.
 * @param path - its folder is made when it is missing; a file of that name is replaced.
 * @throws {BursarError} INVALID_FILE when it cannot be written, and what `work` throws.
 */
export async function writeWhole<T>(path: string, work: (out: Writable) => Promise<T>): Promise<T> {
  const part = `${path}.part`
  try {
    await mkdir(dirname(path), { recursive: true })
    const out = createWriteStream(part, { flush: true })
    const ended = finished(out)
    ended.catch(() => {})
    const result = await work(out)
    out.end()
    await ended
    await rename(part, path)
    return result
  } catch (error) {
    // Why it failed is what its caller has to hear.
    await rm(part, { force: true }).catch(() => {})
    throw asFileError(error, path)
  }
}

function asFileError(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (!/^E[A-Z]+$/.test(code)) return error
  const message = `${path} cannot be written (${messageOf(error)}): name a folder with room that you may write to`
  return new BursarError('INVALID_FILE', message, { cause: error, detail: { path } })
}
