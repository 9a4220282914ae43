import { randomUUID } from 'node:crypto'
import { type MovedMark, type MoveTarget, readMovedMark } from '../embedded/moved-mark.ts'
import { BursarError } from '../errors.ts'

/** The mark of a move that begins now. */
export const newMark = (target: MoveTarget): MovedMark => ({
  v: 1,
  id: randomUUID(),
  state: 'moving',
  target,
  startedAt: new Date().toISOString(),
  endedAt: null,
  summary: null,
})

/**
 * Reads the mark of a folder that is to be moved; null when it never was.
 * @throws {BursarError} DATA_FOLDER_MOVED when the folder went, or is on its way, somewhere else.
 */
export function readMark(folder: string, target: MoveTarget): MovedMark | null {
  const mark = readMovedMark(folder)
  if (!mark || sameTarget(mark.target, target)) return mark
  const { redis, prefix, database } = mark.target
  const there = `${redis} (${prefix}) and ${database}`
  const message =
    mark.state === 'moved'
      ? `the data in ${folder} were moved to ${there} before: work there. To move what the folder had then to another place as well, delete moved.json in it`
      : `a move of ${folder} to ${there} has begun and not ended: name that target, and it goes on. To give it up, delete moved.json in the folder, and never use what was left there`
  throw new BursarError('DATA_FOLDER_MOVED', message, { detail: { folder, ...mark.target } })
}

const sameTarget = (a: MoveTarget, b: MoveTarget): boolean =>
  a.redis === b.redis &&
  a.prefix === b.prefix &&
  a.queuePrefix === b.queuePrefix &&
  a.database === b.database
