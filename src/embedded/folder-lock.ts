import { randomUUID } from 'node:crypto'
import { linkSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BursarError } from '../errors.ts'
import { type Holder, HolderSchema, isAlive, thisProcess } from './holder.ts'

/** A folder that no other process opens while this one lives. */
export interface FolderLock {
  /** Where it is written who holds the folder. */
  readonly file: string
  /** Lets the next one in. Also happens at exit; after a kill the next one finds out by itself. Safe to call twice. */
  release(): void
}

const LOCK = /^lock\.(\d+)$/
const held = new Set<string>()

/**
 * Takes an existing folder for this process alone. The file `lock.<n>` with the highest n says who holds it; it is
 * empty once released. Whoever comes next creates n + 1, which only one of many can, and only then removes older ones:
 * so the highest is never missing, and nobody takes over from a holder who has already been replaced.
 * @throws {BursarError} DATA_FOLDER_IN_USE, with the holder.
 */
export function lockFolder(folder: string): FolderLock {
  for (;;) {
    const last = newest(folder)
    if (last > 0 && !isFree(folder, last)) continue
    const token = randomUUID()
    const file = join(folder, `lock.${last + 1}`)
    if (!create(file, thisProcess(token), `${folder}/.${token}`)) continue
    if (newest(folder) > last + 1) {
      rmSync(file, { force: true })
      continue
    }
    for (const n of locksIn(folder))
      if (n <= last) rmSync(join(folder, `lock.${n}`), { force: true })
    return hold(file, token)
  }
}

function hold(file: string, token: string): FolderLock {
  held.add(token)
  const release = () => {
    if (!held.delete(token)) return
    process.off('exit', release)
    try {
      truncateSync(file)
    } catch {
      // The folder is gone, and with it what was locked.
    }
  }
  process.once('exit', release)
  return { file, release }
}

const locksIn = (folder: string): number[] =>
  readdirSync(folder).flatMap((name) => {
    const n = LOCK.exec(name)?.[1]
    return n === undefined ? [] : [Number(n)]
  })

const newest = (folder: string): number => Math.max(0, ...locksIn(folder))

/** @returns false when the file has gone meanwhile, so that there is a newer one. */
function isFree(folder: string, n: number): boolean {
  const file = join(folder, `lock.${n}`)
  const text = unlessCode('ENOENT', () => readFileSync(file, 'utf8'))
  if (text === undefined) return false
  if (text === '') return true
  const holder = readHolder(text)
  if (!holder) throw unreadable(folder, file)
  if (isAlive(holder, held)) throw inUse(folder, file, holder)
  return true
}

/** Creates the file with its content, or not at all. @returns false when it exists. */
function create(file: string, holder: Holder, draft: string): boolean {
  writeFileSync(draft, JSON.stringify(holder), { mode: 0o600 })
  try {
    return unlessCode('EEXIST', () => linkSync(draft, file) ?? true) === true
  } finally {
    rmSync(draft, { force: true })
  }
}

function unlessCode<T>(code: string, work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === code) return undefined
    throw error
  }
}

function readHolder(text: string): Holder | null {
  try {
    return HolderSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}

function inUse(folder: string, file: string, { pid, host, since }: Holder): BursarError {
  const mend =
    `stop that process (kill ${pid}), let it do the work, or choose another folder.` +
    ` If ${host} is another machine and it is gone, delete ${file}`
  return new BursarError(
    'DATA_FOLDER_IN_USE',
    `process ${pid} on ${host} has had the data folder ${folder} open since ${since}, and one process at a time may: ${mend}`,
    { detail: { folder, file, pid, host, since } },
  )
}

const unreadable = (folder: string, file: string): BursarError =>
  new BursarError(
    'DATA_FOLDER_IN_USE',
    `${file} does not say who has the data folder ${folder} open, as far as this version can read: when no other process uses the folder, delete that file`,
    { detail: { folder, file } },
  )
