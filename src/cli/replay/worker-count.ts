import { BursarError } from '../../errors.ts'
import type { Output } from '../output.ts'
import type { ReplayOptions } from './types.ts'
import type { Servers } from './workspace.ts'

const WORKERS = 2

/**
 * How many workers a replay has. Embedded it is one, in the process that drives.
 * @throws {BursarError} INVALID_ARGUMENT when one is to be killed that nobody would survive.
 */
export function workerCount(
  { workers, killEveryS }: Pick<ReplayOptions, 'workers' | 'killEveryS'>,
  { REDIS_URL, DATABASE_URL }: Servers,
  { note }: Output,
): number {
  if (REDIS_URL || DATABASE_URL) return workers ?? WORKERS
  if (killEveryS !== null) {
    throw new BursarError(
      'INVALID_ARGUMENT',
      '--kill-every kills worker processes, and an embedded replay has none: set REDIS_URL and DATABASE_URL, or leave it out',
    )
  }
  if (workers !== null && workers > 1) {
    note(`--workers ${workers} needs REDIS_URL and DATABASE_URL: embedded, one works in here`)
  }
  return 1
}
