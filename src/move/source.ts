import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { loadSlot } from '../admission/journal/load.ts'
import { journalOver } from '../admission/journal/pglite.ts'
import { createJournaledStore } from '../admission/journal/store.ts'
import { emptySlot, type SlotState } from '../admission/model.ts'
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../embedded/database.ts'
import { BursarError } from '../errors.ts'
import { drainOnce } from '../ledger/drain.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { readSlotRow } from '../ledger/slot-row.ts'
import { postgresBackend } from '../queue/backend.ts'
import { closeQueues, openQueues, type Queues } from '../queue/queues.ts'
import type { Logger } from '../telemetry/logger.ts'

/** A data folder at rest: this process alone has it open, and nothing in it changes any more. */
export interface Source {
  readonly folder: string
  readonly ledger: Ledger
  /** What the slot knows. Nothing is held in it, and the ledger has read its outbox. */
  readonly state: SlotState
  readonly queues: Queues
  readonly database: EmbeddedDatabase['database']
  /** Life of the slot that ends here; 0 = it never began. */
  readonly epoch: number
  close(): Promise<void>
}

const DRAIN_BATCH = 500

type Purpose = 'move' | 'look'

/**
 * Opens a data folder to be moved.
 * @param purpose - `move` books every open hold whole, like each start on the folder, and brings the outbox to the ledger;
 * `look` changes nothing.
 * @throws {BursarError} INVALID_ARGUMENT when there is no data in it; DATA_FOLDER_IN_USE, DATA_FOLDER_UNREADABLE,
 * SLOT_CLOSED, UNREADABLE_REPLY.
 */
export async function openSource(
  folder: string,
  purpose: Purpose,
  logger?: Logger,
): Promise<Source> {
  if (!existsSync(join(folder, 'pgdata'))) throw nothingIn(folder)
  const more = logger ? { logger } : {}
  const embedded = await openEmbeddedDatabase({ folder, evenIfMoved: true, ...more })
  try {
    return await readSource(folder, embedded, purpose)
  } catch (error) {
    await embedded.close()
    throw error
  }
}

async function readSource(
  folder: string,
  embedded: EmbeddedDatabase,
  purpose: Purpose,
): Promise<Source> {
  const { database, ledger, pool } = embedded
  // Also makes the journal's tables, where nobody has before.
  const store = await createJournaledStore({ database: journalOver(database) })
  if (purpose === 'move') {
    await store.recover()
    await drainAll(ledger, store.outbox)
  }
  await store.close()
  const state = emptySlot()
  await loadSlot(journalOver(database), state)
  if (purpose === 'move') assertAtRest(state)
  const { epoch } = await readSlotRow(ledger)
  const queues = openQueues(postgresBackend(pool))
  const close = async () => {
    await closeQueues(queues)
    await embedded.close()
  }
  return { folder, ledger, state, queues, database, epoch, close }
}

async function drainAll(ledger: Ledger, outbox: Parameters<typeof drainOnce>[1]): Promise<void> {
  for (;;) {
    const drained = await drainOnce(ledger, outbox, { batch: DRAIN_BATCH })
    if (drained.state === 'epoch-changed') throw strangers()
    if (drained.state !== 'drained') return
  }
}

/** A hold or an entry left here would be money that nobody finds again. */
function assertAtRest({ attempts, out, windows }: SlotState): void {
  const held = [...attempts.values()].filter(({ state }) => state === 'H').length
  const holding = [...windows.values()].filter(({ heldNano }) => heldNano !== 0).length
  if (held + holding + out.length === 0) return
  throw new BursarError(
    'SLOT_CLOSED',
    `the folder is not at rest: ${held} holds, ${holding} windows that hold money, ${out.length} entries outside of the ledger; start Bursar on it, stop it, and look at bursar verify`,
  )
}

const nothingIn = (folder: string): BursarError =>
  new BursarError(
    'INVALID_ARGUMENT',
    `there is no data of an embedded Bursar in ${folder}: name its folder with --folder or BURSAR_DATA`,
  )

const strangers = (): BursarError =>
  new BursarError(
    'SLOT_CLOSED',
    'the slot and the ledger in this folder are of different lives: restore the folder from a copy',
  )
