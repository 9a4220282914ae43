import type { Options } from '../config/options.ts'
import {
  type MovedMark,
  type MoveTarget,
  removeMovedMark,
  writeMovedMark,
} from '../embedded/moved-mark.ts'
import { BursarError, isBursarError } from '../errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import { fill } from './fill.ts'
import { newMark, readMark } from './mark.ts'
import { openSource, type Source } from './source.ts'
import { summarise, unitsOf } from './summarise.ts'
import {
  type ClaimedTarget,
  notEmpty,
  openTarget,
  readAddresses,
  type Target,
  targetOf,
} from './target.ts'
import { type MoveProgress, type MoveSummary, MoveSummarySchema, type Ticker } from './types.ts'
import { compareWindows, folderDiffers } from './windows.ts'

export interface MoveRequest {
  /** Data folder of an embedded Bursar. */
  readonly folder: string
  /** Names the target: REDIS_URL, DATABASE_URL, BURSAR_PREFIX, BURSAR_QUEUE_PREFIX. */
  readonly options: Options
  readonly logger?: Logger
  readonly onProgress?: (progress: MoveProgress) => void
  /** Stops the move between two steps; run it again to go on. */
  readonly signal?: AbortSignal
  /** Rows, records and jobs that one step carries; absent = what is quick. */
  readonly page?: number
}

export interface Moved {
  /** `before`: the folder had been moved there already, and nothing was changed now. */
  readonly when: 'now' | 'before'
  readonly endedAt: string
  readonly target: MoveTarget
  readonly summary: MoveSummary
  /** What could be better with the Redis that it went to. */
  readonly warnings: readonly string[]
}

/**
 * Moves all of a data folder to Redis and PostgreSQL: history, counters, what is known of jobs, queued and parked work.
 * Ended at any moment and run again, it goes on. The folder keeps everything, and is marked, so that no embedded
 * Bursar goes on with it.
 * @throws {BursarError} DATA_FOLDER_IN_USE, DATA_FOLDER_MOVED (elsewhere), TARGET_NOT_EMPTY (nothing was written),
 * MOVE_DIFFERS, MOVE_STOPPED, INVALID_OPTIONS, INVALID_ARGUMENT, and what Redis and PostgreSQL may throw.
 */
export async function moveFolder(request: MoveRequest): Promise<Moved> {
  const { folder, options, logger } = request
  const addresses = readAddresses(options)
  const before = readMark(folder, targetOf(addresses))
  if (before?.state === 'moved') return endedBefore(before)
  const source = await openSource(folder, 'move', logger)
  try {
    const target = await openTarget(addresses)
    try {
      return await carryOver(request, source, target, targetOf(addresses))
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

async function carryOver(
  request: MoveRequest,
  source: Source,
  target: Target,
  where: MoveTarget,
): Promise<Moved> {
  const { folder } = request
  // Once more, now that nobody else has the folder.
  const known = readMark(folder, where)
  if (known?.state === 'moved') return endedBefore(known)
  const there = await target.look(known?.id ?? null)
  if (there.is === 'taken') throw notEmpty(there.found)
  await compareWindows(source.ledger, source.state, folderDiffers)
  const summary = await summarise(source)
  const mark = { ...(known ?? newMark(where)), summary }
  const claimed = await begin(folder, mark, known === null, source.epoch + 1, target)
  try {
    const ticker = createTicker(unitsOf(summary), request)
    const epoch = source.epoch + 1
    const page = request.page === undefined ? {} : { page: request.page }
    if (!claimed.isOpen) await fill({ source, target, claimed, epoch, ticker, ...page })
  } finally {
    await claimed.close()
  }
  const endedAt = new Date().toISOString()
  writeMovedMark(folder, { ...mark, state: 'moved', endedAt })
  return { when: 'now', endedAt, target: where, summary, warnings: target.warnings }
}

/** Marks the folder, so that nobody works in it while it is copied, and claims the target. */
async function begin(
  folder: string,
  mark: MovedMark,
  isNew: boolean,
  epoch: number,
  target: Target,
): Promise<ClaimedTarget> {
  writeMovedMark(folder, mark)
  try {
    return await target.claim(mark.id, epoch)
  } catch (error) {
    // Somebody was quicker there; nothing of ours is.
    if (isNew && isBursarError(error, 'TARGET_NOT_EMPTY')) removeMovedMark(folder)
    throw error
  }
}

const endedBefore = ({ target, summary, endedAt, startedAt }: MovedMark): Moved => ({
  when: 'before',
  endedAt: endedAt ?? startedAt,
  target,
  summary: MoveSummarySchema.parse(summary),
  warnings: [],
})

function createTicker(total: number, { onProgress, signal }: MoveRequest): Ticker {
  let done = 0
  return {
    tick(count, step) {
      done += count
      onProgress?.({ done: Math.min(done, total), total, step })
      if (signal?.aborted) throw stopped(done, total)
    },
  }
}

const stopped = (done: number, total: number): BursarError =>
  new BursarError(
    'MOVE_STOPPED',
    `the move was stopped after ${done} of ${total} rows, records and jobs: run bursar move again, and it goes on`,
    { retryable: true, detail: { done, total } },
  )
