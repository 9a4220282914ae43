import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../errors.ts'
import type { WorkContext } from '../../queue/context.ts'
import { openJournalFile } from '../journal/file.ts'
import type { Allowance } from '../outage-answers.ts'
import { createRows, type Rows } from '../rows.ts'
import { claimFolder, claimLeft, type JournalFolder } from './folders.ts'
import { createAllowance } from './inline.ts'
import { createKeeper, type Keeper, type KeeperParts } from './keeper.ts'

export type AllowanceParts = Pick<
  WorkContext,
  'provider' | 'rules' | 'metrics' | 'clock' | 'logger' | 'resultTtlMs'
> &
  Pick<KeeperParts, 'store' | 'ledger' | 'guard'> & {
    /** Where journals are kept: on a disk that outlives the process. */
    readonly folder: string
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

/** How often it is looked whether a new policy asks for one. */
const LOOK_EVERY_MS = 2_000

/**
 * Holds an allowance as long as policy says `outage: allow`, and brings those to their end that dead processes left on
 * this disk. When no journal can be written it says so in the log: without it nothing is called.
 */
export async function startAllowance(parts: AllowanceParts): Promise<RunningAllowance> {
  const { logger, rules } = parts
  const root = join(parts.folder, 'outage')
  let opened: Opened | null = null
  let opening: Promise<void> | null = null

  async function open(): Promise<void> {
    try {
      opened = await openAll(root, parts)
    } catch (error) {
      const reason = messageOf(error)
      logger.error({ root, reason }, 'no journal: nothing is called while Redis is away')
    }
  }
  const look = async () => {
    const isWanted = rules.current().policy.defaults.outage === 'allow' || existsSync(root)
    if (isWanted) opening ??= open()
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
        if (!opened) return memory.add(row)
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
  const keeper = await openOne(claimFolder(root), parts, true)
  const keepers = [keeper]
  for (const left of claimLeft(root)) {
    try {
      keepers.push(await openOne(left, parts, false))
    } catch (error) {
      logger.error({ path: left.path, reason: messageOf(error) }, 'a journal cannot be replayed')
    }
  }
  return { allowance: createAllowance({ ...parts, keeper }), keeper, keepers }
}

async function openOne(
  { path, lock }: JournalFolder,
  parts: AllowanceParts,
  mayTake: boolean,
): Promise<Keeper> {
  try {
    const journal = await openJournalFile(path)
    const records = journal.found.length
    if (records > 0) parts.logger.info({ path, records }, 'a journal that was left is replayed')
    const who = `${hostname()}:${process.pid}`
    const released = async () => {
      await journal.close()
      lock.release()
    }
    return createKeeper({
      ...parts,
      journal: { ...journal, close: released },
      process: who,
      mayTake,
    })
  } catch (error) {
    lock.release()
    throw error
  }
}
