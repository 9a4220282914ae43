import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
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
    mkdirSync(path, { recursive: true, mode: 0o700 })
    const lock = tryLock(path)
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
