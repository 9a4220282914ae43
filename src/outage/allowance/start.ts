import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { isBursarError, messageOf } from '../../errors.ts'
import type { WorkContext } from '../../queue/context.ts'
import type { Life } from '../../slot/life.ts'
import { openJournalFile } from '../journal/file.ts'
import { claimFolder, claimLeft, type JournalFolder } from '../journal/folders.ts'
import { JournalRecordSchema } from '../journal/records.ts'
import type { Allowance } from '../outage-answers.ts'
import { createRows, MOST_ROWS, type Rows } from '../rows.ts'
import { createAllowance } from './inline.ts'
import { createKeeper, type Keeper, type KeeperParts } from './keeper.ts'

export type AllowanceParts = Pick<
  WorkContext,
  'provider' | 'rules' | 'metrics' | 'clock' | 'logger' | 'resultTtlMs'
> &
  Pick<KeeperParts, 'store' | 'ledger' | 'guard'> & {
    /** Where journals are kept: on a disk that outlives the process. */
    readonly folder: string
    /** The process's part in the slot's lives. */
    readonly life: Pick<Life, 'epoch'> | null
    /** Calls at a time. */
    readonly concurrency: number
  }

export interface RunningAllowance extends Allowance {
  /** Ends of requests, on disk as soon as there is a journal. */
  readonly rows: Rows
  /** Whoever keeps it; null = policy has not asked for one yet. */
  keeper(): Keeper | null
  /** Gives back what is left, if Redis is there. */
  close(): Promise<void>
}

interface Opened {
  readonly allowance: Allowance
  readonly keeper: Keeper
  readonly keepers: readonly Keeper[]
}

/** Where journals of allowances are kept, a folder for each process. @param data - BURSAR_DATA. */
export const outageRoot = (data: string): string => join(data, 'outage')

/** How often it is looked whether a new policy asks for one. */
const LOOK_EVERY_MS = 2_000

/**
 * Holds an allowance as long as policy says `outage: allow`, and brings those to their end that dead processes left on
 * this disk. When no journal can be written it says so in the log: without it nothing is called.
 */
export async function startAllowance(parts: AllowanceParts): Promise<RunningAllowance> {
  const { logger, rules } = parts
  const root = outageRoot(parts.folder)
  let opened: Opened | null = null
  let opening: Promise<void> | null = null
  let trouble = ''

  async function open(): Promise<void> {
    try {
      opened = await openAll(root, parts)
    } catch (error) {
      // There may be room on the disk the next time.
      opening = null
      const reason = messageOf(error)
      if (reason === trouble) return
      trouble = reason
      logger.error({ root, reason }, 'no journal: nothing is called while Redis is away')
    }
  }
  const look = async () => {
    const isWanted = rules.current().policy.defaults.outage === 'allow' || existsSync(root)
    if (isWanted && !opened) opening ??= open()
    await opening
  }
  await look()
  const memory = createRows(parts.guard)
  const timer = setInterval(() => void look(), LOOK_EVERY_MS).unref()
  return {
    run: async (job, judge) => opened?.allowance.run(job, judge) ?? null,
    keeper: () => opened?.keeper ?? null,
    rows: {
      ...memory,
      add(row) {
        if (!opened || opened.keeper.rows >= MOST_ROWS) return memory.add(row)
        opened.keeper.enter({ is: 'row', row }).catch(() => memory.add(row))
      },
    },
    async close() {
      clearInterval(timer)
      await opening
      await Promise.all(opened?.keepers.map((keeper) => keeper.close()) ?? [])
    },
  }
}

async function openAll(root: string, parts: AllowanceParts): Promise<Opened> {
  const { logger } = parts
  const keeper = await openOwn(root, parts)
  const keepers = [keeper]
  for (const left of claimLeft(root)) {
    try {
      keepers.push(await openOne(left, parts, false))
    } catch (error) {
      logger.error({ path: left.path, reason: messageOf(error) }, UNREPLAYED)
    }
  }
  return { allowance: createAllowance({ ...parts, keeper }), keeper, keepers }
}

const UNREPLAYED = 'a journal cannot be replayed'

/** The first folder that can be read: a damaged one stays locked, for people to look at. */
async function openOwn(root: string, parts: AllowanceParts): Promise<Keeper> {
  for (;;) {
    const folder = claimFolder(root)
    try {
      return await openOne(folder, parts, true)
    } catch (error) {
      if (!isBursarError(error, 'DATA_FOLDER_UNREADABLE')) throw error
      parts.logger.error({ path: folder.path, reason: messageOf(error) }, UNREPLAYED)
    }
  }
}

async function openOne(
  { path, lock }: JournalFolder,
  parts: AllowanceParts,
  mayTake: boolean,
): Promise<Keeper> {
  try {
    const journal = await openJournalFile(path, JournalRecordSchema)
    const records = journal.found.length
    if (records > 0) parts.logger.info({ path, records }, 'a journal that was left is replayed')
    const who = `${hostname()}:${process.pid}`
    const released = async () => {
      await journal.close()
      lock.release()
    }
    return createKeeper({
      ...parts,
      epoch: () => parts.life?.epoch() ?? 0,
      journal: { ...journal, close: released },
      process: who,
      mayTake,
    })
  } catch (error) {
    if (!isBursarError(error, 'DATA_FOLDER_UNREADABLE')) lock.release()
    throw error
  }
}
