import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type FolderLock, lockFolder } from '../../embedded/folder-lock.ts'
import { isBursarError } from '../../errors.ts'
import { JOURNAL } from './file.ts'

/** A folder for one journal, locked as long as this process lives. */
export interface JournalFolder {
  readonly path: string
  readonly lock: FolderLock
}

const MOST_FOLDERS = 1_000

/**
 * Takes the first folder under `root` that no living process has: a new one, or one that a dead process left, with what
 * it had written. @throws the file system's error when nothing can be written there.
 */
export function claimFolder(root: string): JournalFolder {
  for (let n = 0; n < MOST_FOLDERS; n++) {
    const path = join(root, String(n))
    const lock = claim(path)
    if (lock) return { path, lock }
  }
  throw new RangeError(`${root} has ${MOST_FOLDERS} folders, and all of them are in use`)
}

/**
 * Takes every other folder that a dead process left with something in its journal.
 * @returns none while nobody ever kept a journal here.
 */
export function claimLeft(root: string): JournalFolder[] {
  if (!existsSync(root)) return []
  return readdirSync(root).flatMap((name) => {
    const path = join(root, name)
    const lock = /^\d+$/.test(name) && hasRecords(path) ? tryLock(path) : null
    return lock ? [{ path, lock }] : []
  })
}

/**
 * Removes folders that nobody has had for a while and whose journals say nothing: all that stood in them is in the books. One that
 * says anything, one that cannot be read and one of a process that lives stay.
 * @param beforeMs - nothing was written in them since, UTC ms.
 * @returns how many.
 */
export function forgetFolders(root: string, beforeMs: number): number {
  if (!existsSync(root)) return 0
  return readdirSync(root).filter((name) => {
    const path = join(root, name)
    if (!/^\d+$/.test(name) || hasRecords(path) || writtenMs(path) >= beforeMs) return false
    const lock = tryLock(path)
    if (lock === null) return false
    try {
      return !hasRecords(path) && remove(root, path)
    } finally {
      lock.release()
    }
  }).length
}

/** It goes at once or not at all: whoever comes meanwhile finds the folder, which is locked, or none. */
function remove(root: string, path: string): true {
  const gone = join(root, `gone-${randomUUID()}`)
  renameSync(path, gone)
  rmSync(gone, { recursive: true, force: true })
  return true
}

const writtenMs = (path: string): number =>
  statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY

/** Makes the folder where it is missing, again when it is removed in between. @returns null = somebody has it. */
function claim(path: string): FolderLock | null {
  for (let tried = 1; ; tried += 1) {
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 })
      return tryLock(path)
    } catch (error) {
      if (!isMissing(error) || tried === MOST_TRIES) throw error
    }
  }
}

const MOST_TRIES = 5
const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT'

/** Whether a folder's journal says anything; looked at without its lock, which is not for free. */
const hasRecords = (path: string): boolean =>
  (statSync(join(path, JOURNAL), { throwIfNoEntry: false })?.size ?? 0) > 0

function tryLock(path: string): FolderLock | null {
  try {
    return lockFolder(path)
  } catch (error) {
    if (isBursarError(error, 'DATA_FOLDER_IN_USE')) return null
    throw error
  }
}
