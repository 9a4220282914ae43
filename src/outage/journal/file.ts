import { type FileHandle, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { z } from 'zod'
import { BursarError, messageOf } from '../../errors.ts'
import { readLines, writeLine } from './lines.ts'

/** Name of the file in its folder. */
export const JOURNAL = 'journal'

/** A file of records that are on disk before anybody acts upon them. Its folder is locked by the caller. */
export interface JournalFile<R> {
  /** What the file had when it was opened. */
  readonly found: readonly R[]
  /** What it has now, bytes. */
  readonly size: number
  /**
   * Resolves once the record is on disk; those that are asked for together are written together.
   * @throws {BursarError} STORE_UNAVAILABLE when the disk cannot be written: nothing may be sent then. The record is not
   * in the file; the next one may be, as soon as there is room.
   */
  append(record: R): Promise<void>
  /** Writes a record beside the next one that is appended, or at the end: nothing depends on it. */
  note(record: R): void
  /** Replaces everything by these records, or leaves everything as it is. Throws like `append`. */
  rewrite(records: Iterable<R>): Promise<void>
  close(): Promise<void>
}

/**
 * Opens the journal of a folder, and cuts off a torn end.
 * @throws {BursarError} DATA_FOLDER_UNREADABLE when it is damaged: money may have been spent that nobody knows of.
 */
export async function openJournalFile<R>(
  folder: string,
  schema: z.ZodType<R>,
): Promise<JournalFile<R>> {
  const path = join(folder, JOURNAL)
  const { records, bytes, isDamaged } = readLines(await textOf(path), schema)
  if (isDamaged) throw damaged(path)
  let file = await open(path, 'a', 0o600)
  await file.truncate(bytes)
  await syncFolder(folder)
  let size = bytes
  let notes = ''
  let tail: Promise<void> = Promise.resolve()
  let waiting: { line: string; done: Promise<void> } | null = null
  let isTorn = false
  let isNamed = true

  async function write(line: string): Promise<void> {
    const text = notes + line
    notes = ''
    try {
      // Half a line may stand there, or a whole one that its writer was refused: nobody may read on from it.
      if (isTorn) await file.truncate(size)
      await nameIt()
      isTorn = true
      await file.appendFile(text)
      await file.datasync()
      isTorn = false
      size += Buffer.byteLength(text)
    } catch (error) {
      throw unwritable(path, error)
    }
  }

  /** A name is on disk when its folder is. */
  async function nameIt(): Promise<void> {
    if (isNamed) return
    await syncFolder(folder)
    isNamed = true
  }

  return {
    found: records,
    get size() {
      return size
    },
    append(record) {
      const line = writeLine(record)
      if (waiting) {
        waiting.line += line
        return waiting.done
      }
      const batch = { line, done: Promise.resolve() }
      waiting = batch
      batch.done = tail.then(() => {
        if (waiting === batch) waiting = null
        return write(batch.line)
      })
      tail = batch.done.catch(() => {})
      return batch.done
    },
    note(record) {
      notes += writeLine(record)
    },
    rewrite(next) {
      // What is appended from now on is not among these records, and must not be written before them.
      waiting = null
      notes = ''
      const text = [...next].map(writeLine).join('')
      const done = tail.then(async () => {
        try {
          const fresh = await writeWhole(folder, text)
          const old = file
          file = fresh
          size = Buffer.byteLength(text)
          isTorn = false
          isNamed = false
          await old.close()
          await nameIt()
        } catch (error) {
          throw unwritable(path, error)
        }
      })
      tail = done.catch(() => {})
      return done
    },
    async close() {
      await tail
      if (notes !== '') await write('').catch(() => {})
      await file.close()
    },
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}

async function writeWhole(folder: string, text: string): Promise<FileHandle> {
  const draft = join(folder, `${JOURNAL}.next`)
  const file = await open(draft, 'w', 0o600)
  try {
    await file.appendFile(text)
    await file.sync()
    await rename(draft, join(folder, JOURNAL))
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const unwritable = (path: string, cause: unknown): BursarError =>
  new BursarError(
    'STORE_UNAVAILABLE',
    `${path} cannot be written (${messageOf(cause)}), and nothing may be called that is not written there: make room on the disk`,
    { cause, retryable: true, detail: { retryAfterMs: 1_000 } },
  )

const damaged = (path: string): BursarError =>
  new BursarError(
    'DATA_FOLDER_UNREADABLE',
    `${path} is damaged in the middle: calls may have been made that it cannot name. Restore it from a copy, or move it away: what was held for them is booked as unconfirmed, and bursar unconfirmed corrects that by the bill`,
    { detail: { path } },
  )
