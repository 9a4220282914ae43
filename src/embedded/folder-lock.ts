import { randomUUID } from 'node:crypto'
import {
  existsSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
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
/** Where the database is, in the folder. */
const CLUSTER = 'pgdata'
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

/** A data folder as others see it. */
export type FolderState =
  /** There is no database in it, and nobody is about to make one. */
  | { readonly state: 'missing' }
  | { readonly state: 'free' }
  | { readonly state: 'held'; readonly holder: Holder }

/**
 * Looks who has a folder open, and changes nothing.
 * @throws {BursarError} DATA_FOLDER_IN_USE when its lock cannot be read.
 */
export function lookAtFolder(folder: string): FolderState {
  const last = existsSync(folder) ? newest(folder) : 0
  const found = last === 0 ? 'free' : holderOf(folder, last)
  if (found === 'replaced') return lookAtFolder(folder)
  if (found !== 'free') return { state: 'held', holder: found }
  return { state: existsSync(join(folder, CLUSTER)) ? 'free' : 'missing' }
}

/** Writes into the lock of a folder, which this process holds, where it answers. */
export function announce(folder: string, at: Pick<Holder, 'socket' | 'url'>): void {
  const last = newest(folder)
  const holder = last === 0 ? 'free' : holderOf(folder, last)
  if (typeof holder === 'string' || !held.has(holder.token)) return
  const draft = join(folder, `.${holder.token}`)
  writeFileSync(draft, JSON.stringify({ ...holder, ...at }), { mode: 0o600 })
  renameSync(draft, join(folder, `lock.${last}`))
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
  const found = holderOf(folder, n)
  if (typeof found !== 'string') throw inUse(folder, join(folder, `lock.${n}`), found)
  return found === 'free'
}

/** @returns who lives and holds it; `replaced` when the file has gone meanwhile, so that there is a newer one. */
function holderOf(folder: string, n: number): Holder | 'free' | 'replaced' {
  const file = join(folder, `lock.${n}`)
  const text = unlessCode('ENOENT', () => readFileSync(file, 'utf8'))
  if (text === undefined) return 'replaced'
  if (text === '') return 'free'
  const holder = readHolder(text)
  if (!holder) throw unreadable(folder, file)
  return isAlive(holder, held) ? holder : 'free'
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
