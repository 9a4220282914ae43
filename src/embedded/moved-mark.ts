import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { BursarError } from '../errors.ts'

/** Where a folder's content went. Addresses without their passwords. */
export const MoveTargetSchema = z.object({
  redis: z.string(),
  prefix: z.string(),
  queuePrefix: z.string(),
  database: z.string(),
})
export type MoveTarget = Readonly<z.infer<typeof MoveTargetSchema>>

const MarkSchema = z.object({
  v: z.literal(1),
  /** Drawn when the move began; the target carries it too. */
  id: z.uuid(),
  /** `moving` = begun and not ended: what is in the target is not all of it. */
  state: z.enum(['moving', 'moved']),
  target: MoveTargetSchema,
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
  /** What was moved, as the move counted it; null until it is known. */
  summary: z.unknown(),
})
/** Left in a data folder by `bursar move`. */
export type MovedMark = Readonly<z.infer<typeof MarkSchema>>

const fileOf = (folder: string): string => join(folder, 'moved.json')

/**
 * Reads the mark of a data folder; null when it was never moved.
 * @throws {BursarError} DATA_FOLDER_MOVED when there is one that this version cannot read.
 */
export function readMovedMark(folder: string): MovedMark | null {
  const file = fileOf(folder)
  const text = readIfThere(file)
  if (text === null) return null
  try {
    return MarkSchema.parse(JSON.parse(text))
  } catch (cause) {
    throw new BursarError(
      'DATA_FOLDER_MOVED',
      `${file} says that the data was moved, in words that this version cannot read: use the version of Bursar that moved it`,
      { cause, detail: { folder, file } },
    )
  }
}

/** Writes the mark, whole or not at all, and on disk when it returns. Only by who holds the folder's lock. */
export function writeMovedMark(folder: string, mark: MovedMark): void {
  const draft = `${fileOf(folder)}.new`
  const file = openSync(draft, 'w', 0o600)
  try {
    writeSync(file, `${JSON.stringify(mark, null, 2)}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(draft, fileOf(folder))
}

export const removeMovedMark = (folder: string): void => rmSync(fileOf(folder), { force: true })

/**
 * Refuses a folder whose content went elsewhere: two Bursars would spend one budget.
 * @throws {BursarError} DATA_FOLDER_MOVED, saying where it went and what to do.
 */
export function assertNotMoved(folder: string): void {
  const mark = readMovedMark(folder)
  if (!mark) return
  const file = fileOf(folder)
  const { redis, database } = mark.target
  const mend =
    mark.state === 'moved'
      ? `set REDIS_URL and DATABASE_URL to them, or, to go on with this folder as it was then, delete ${file}`
      : `run bursar move again, which goes on where it ended, or, to give it up, delete ${file} and never use what it left there`
  const what = mark.state === 'moved' ? 'were moved' : 'are being moved, and that has not ended,'
  throw new BursarError(
    'DATA_FOLDER_MOVED',
    `the data in ${folder} ${what} to ${redis} and ${database}: ${mend}`,
    { detail: { folder, file, state: mark.state, ...mark.target } },
  )
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
