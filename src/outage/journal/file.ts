import { type FileHandle, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { BursarError, messageOf } from '../../errors.ts'
import { type JournalRecord, readLines, writeLine } from './records.ts'

const FILE = 'journal'

/** A file of records that are on disk before anybody acts upon them. Its folder is locked by the caller. */
export interface JournalFile {
  /** What the file had when it was opened. */
  readonly found: readonly JournalRecord[]
  /**
   * Resolves once the record is on disk; those that are asked for together are written together.
   * @throws {BursarError} STORE_UNAVAILABLE when the disk cannot be written: nothing may be sent then.
   */
  append(record: JournalRecord): Promise<void>
  /** Replaces everything by these records, or leaves everything as it is. Throws like `append`. */
  rewrite(records: readonly JournalRecord[]): Promise<void>
  close(): Promise<void>
}

/**
 * Opens the journal of a folder, and cuts off a torn end.
 * @throws {BursarError} DATA_FOLDER_UNREADABLE when it is damaged: money may have been spent that nobody knows of.
 */
export async function openJournalFile(folder: string): Promise<JournalFile> {
  const path = join(folder, FILE)
  const { records, bytes, isDamaged } = readLines(await textOf(path))
  if (isDamaged) throw damaged(path)
  let file = await open(path, 'a', 0o600)
  await file.truncate(bytes)
  await syncFolder(folder)
  let tail: Promise<void> = Promise.resolve()
  let waiting: { line: string; done: Promise<void> } | null = null
  let broken: unknown = null

  async function write(text: string): Promise<void> {
    if (broken) throw unwritable(path, broken)
    try {
      await file.appendFile(text)
      await file.datasync()
    } catch (error) {
      // Half a line may stand there: what is written after it could not be read again.
      broken = error
      throw unwritable(path, error)
    }
  }

  return {
    found: records,
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
    rewrite(next) {
      // What is appended from now on is not among these records, and must not be written before them.
      waiting = null
      const done = tail.then(async () => {
        const fresh = await writeWhole(folder, next).catch((error: unknown) => {
          throw unwritable(path, error)
        })
        await file.close()
        file = fresh
        broken = null
      })
      tail = done.catch(() => {})
      return done
    },
    async close() {
      await tail
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

async function writeWhole(folder: string, records: readonly JournalRecord[]): Promise<FileHandle> {
  const draft = join(folder, `${FILE}.next`)
  const file = await open(draft, 'w', 0o600)
  await file.appendFile(records.map(writeLine).join(''))
  await file.sync()
  await rename(draft, join(folder, FILE))
  await syncFolder(folder)
  return file
}

/** A name is on disk when its folder is. */
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
    `${path} cannot be written (${messageOf(cause)}), and without it nothing is called while Redis is away: make room on the disk`,
    { cause, retryable: true, detail: { retryAfterMs: 1_000 } },
  )

const damaged = (path: string): BursarError =>
  new BursarError(
    'DATA_FOLDER_UNREADABLE',
    `${path} is damaged in the middle: calls may have been made that it cannot name. Restore it from a copy, or move it away: what its allowance held is booked as unconfirmed, and bursar unconfirmed corrects that by the bill`,
    { detail: { path } },
  )
