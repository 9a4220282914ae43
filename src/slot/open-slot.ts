import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { lookAtSlot } from '../admission/redis/lives.ts'
import type { AdmissionStore } from '../admission/store.ts'
import { BursarError } from '../errors.ts'
import { redisError } from '../queue/check-redis.ts'

/** What the ledger knows of the slot's lives. */
export interface SlotLedger {
  epoch(): Promise<number>
  /** Starts the next life; its number. */
  beginEpoch(): Promise<number>
  hasPostings(): Promise<boolean>
}

interface OpenSlot {
  readonly store: Pick<AdmissionStore, 'open' | 'outbox'>
  readonly redis: Redis
  readonly prefix: string
  readonly ledger: SlotLedger
}

const LOCK_MS = 30_000
const LOOK_AGAIN_MS = 50

/**
 * Opens the slot of a ledger that never had one. Any other that is missing has lost its data, and is left to be reopened
 * (`life.ts`). Safe from many processes at once.
 * @throws {BursarError} SLOT_CLOSED while something else than a lost slot keeps it closed; STORE_UNAVAILABLE,
 * LEDGER_UNAVAILABLE.
 */
export async function openNewSlot(parts: OpenSlot): Promise<void> {
  const { store, redis, prefix, ledger } = parts
  const lock = `${prefix}:opening`
  const mine = randomUUID()
  for (;;) {
    const slot = await lookAtSlot({ redis, prefix })
    if (slot.state === 'closed' && slot.lost === null) throw closed()
    if (slot.state !== 'missing') return
    if (await take(redis, lock, mine)) break
    await pause(LOOK_AGAIN_MS)
  }
  try {
    if ((await ledger.epoch()) === 0) await openOwnSlot(store, ledger)
  } finally {
    // It may have run out meanwhile; then it is another's, who finds the slot open.
    if ((await redis.get(lock)) === mine) await redis.del(lock)
  }
}

/**
 * The same for a process that nobody else shares the slot with, or that holds the lock.
 * @throws {BursarError} SLOT_CLOSED with the mend; LEDGER_UNAVAILABLE.
 */
export async function openOwnSlot(store: OpenSlot['store'], ledger: SlotLedger): Promise<void> {
  const slot = await store.outbox.slot()
  if (slot) return assertSame(slot.epoch, await ledger.epoch())
  if (await ledger.hasPostings()) throw emptied()
  await store.open(await ledger.beginEpoch())
}

async function take(redis: Redis, lock: string, mine: string): Promise<boolean> {
  try {
    return (await redis.set(lock, mine, 'PX', LOCK_MS, 'NX')) === 'OK'
  } catch (error) {
    throw redisError(error)
  }
}

function assertSame(slotEpoch: number, ledgerEpoch: number): void {
  if (slotEpoch === ledgerEpoch) return
  throw new BursarError(
    'SLOT_CLOSED',
    `the slot (epoch ${slotEpoch}) and the ledger (epoch ${ledgerEpoch}) do not belong together: point REDIS_URL, BURSAR_PREFIX and DATABASE_URL at the ones that ran together`,
    { detail: { slotEpoch, ledgerEpoch } },
  )
}

const emptied = (): BursarError =>
  new BursarError(
    'SLOT_CLOSED',
    'this Redis holds no slot, but the ledger has bookings: Redis lost its data, or REDIS_URL or BURSAR_PREFIX names another one. Nothing is admitted, so that nothing is spent twice. Restore its append-only file, point at the right Redis, or start afresh with an empty DATABASE_URL',
  )

const closed = (): BursarError =>
  new BursarError(
    'SLOT_CLOSED',
    'the slot is closed while its counters are rebuilt: wait until that has ended',
    { retryable: true },
  )
