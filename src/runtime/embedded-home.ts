import { journalOver } from '../admission/journal/pglite.ts'
import { createJournaledStore } from '../admission/journal/store.ts'
import { memoryVectorStore } from '../cache/embeddings/memory-store.ts'
import { memoryPrompts } from '../cache/warming/memory-prompts.ts'
import { openEmbeddedDatabase } from '../embedded/database.ts'
import { tiersAfter } from '../ledger/user-tiers.ts'
import { postgresBackend } from '../queue/backend.ts'
import { memoryShelf } from '../queue/published-policy.ts'
import { createMemoryLogs } from '../queue/streams/memory-log.ts'
import { publishTiers } from '../queue/tier-shelf.ts'
import { openOwnSlot } from '../slot/open-slot.ts'
import { type Home, type HomeParts, slotLedger } from './home.ts'

/**
 * Opens the data folder, which no other process may have open, and ends what the process before left open there.
 * @throws {BursarError} DATA_FOLDER_IN_USE, DATA_FOLDER_MOVED, SLOT_CLOSED, STORE_UNAVAILABLE.
 */
export async function openEmbeddedHome(parts: HomeParts): Promise<Home> {
  const { options, clock, logger, closers } = parts
  const embedded = await openEmbeddedDatabase({ folder: options.BURSAR_DATA, logger })
  closers.push(() => embedded.close())
  const { database, ledger, pool } = embedded

  const virtual = clock.virtual ? { clock: () => clock.now() } : {}
  const store = await createJournaledStore({ database: journalOver(database), ...virtual })
  closers.push(() => store.close())
  await openOwnSlot(store, slotLedger(ledger))
  const { unconfirmed, unconfirmedNano } = await store.recover()
  if (unconfirmed > 0) {
    logger.warn(
      { unconfirmed, unconfirmedNano },
      'the process before this one ended while calls were under way: they are booked whole until their bill is known',
    )
  }
  const logs = createMemoryLogs()
  const shelf = memoryShelf()
  await publishTiers(shelf.tiers, (version, limit) => tiersAfter(ledger, version, limit))
  return {
    store,
    ledger,
    backend: postgresBackend(pool),
    chunks: logs,
    vectorStore: memoryVectorStore(),
    logs,
    shelf,
    answerShelf: store.answerShelf,
    promptShelf: memoryPrompts(),
    life: null,
    intents: null,
    redis: null,
  }
}
