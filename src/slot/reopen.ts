import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { Outbox } from '../admission/outbox.ts'
import { askNow } from '../admission/redis/ask.ts'
import { heldAttempts } from '../admission/redis/held.ts'
import type { Reopener, SlotLook } from '../admission/redis/lives.ts'
import { createRestorer } from '../admission/redis/restore.ts'
import { policyFromJson } from '../config/policy-json.ts'
import type { Policy } from '../config/policy-types.ts'
import { drainLeft } from '../ledger/drain-left.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { readPolicy } from '../ledger/policies.ts'
import type { AwaitedProcess } from '../ledger/processes.ts'
import { report, reportsOf, SLOT_ITSELF } from '../ledger/reports.ts'
import { beginEpoch } from '../ledger/slot-row.ts'
import { tiersAfter } from '../ledger/user-tiers.ts'
import type { PolicyShelf } from '../queue/published-policy.ts'
import { publishTiers } from '../queue/tier-shelf.ts'
import type { Logger } from '../telemetry/logger.ts'
import { adoptOwed } from './adopt.ts'
import { barrier } from './barrier.ts'
import { fillJobs, fillWindows, leaseHolds } from './fill.ts'
import { lostKeys } from './lost-keys.ts'

export interface ReopenParts {
  readonly redis: Redis
  readonly prefix: string
  /** Who does it, for people. */
  readonly process: string
  readonly ledger: Ledger
  readonly outbox: Pick<Outbox, 'read'>
  readonly shelf: PolicyShelf
  readonly logger: Logger
  readonly holdTtlMs: number
  /** A process without a beat for so long is taken for dead. */
  readonly silentAfterMs: number
  /** Has this process say what it owes, as soon as the life has begun. */
  readonly reportOwn: (epoch: number) => Promise<void>
}

export interface Reopened {
  readonly epoch: number
  /** Processes that lived and did not report: what they owe comes later, or never. */
  readonly silent: readonly AwaitedProcess[]
}

/**
 * Makes a slot again that is missing, or may lack what it had acknowledged, and opens it: from the ledger, from what is
 * left of it, and from what every process says it owes. (PROTOCOL 3.10) Begun again it goes on from what the steps before
 * left; nobody is admitted meanwhile.
 * @param slot - as it stood when the right to reopen it was taken.
 * @param claim - that right.
 * @throws {BursarError} SLOT_CLOSED when the right is gone; STORE_UNAVAILABLE, LEDGER_UNAVAILABLE.
 */
export async function reopenSlot(
  parts: ReopenParts,
  slot: SlotLook,
  claim: Reopener & { readonly token: string },
): Promise<Reopened> {
  const { redis, prefix, process, ledger, logger } = parts
  const left = slot.state === 'missing' ? null : await drainLeft(ledger, parts.outbox)
  const { epoch } = await beginEpoch(ledger, process)
  logger.warn(
    { epoch, lost: 'lost' in slot ? slot.lost?.reason : 'the slot is missing' },
    'reopening',
  )
  if (left !== null) {
    const held = await heldAttempts({ redis, prefix })
    await report(ledger, { process: SLOT_ITSELF, epoch }, held)
    logger.warn({ epoch, drained: left, held: held.length }, 'kept what the slot still had')
  }
  await claim.begin(epoch)
  for await (const keys of lostKeys(redis, prefix)) await claim.wipe(epoch, keys)
  await parts.reportOwn(epoch)
  const silent = await barrier(ledger, epoch, parts.silentAfterMs, (waiting) =>
    logger.warn({ epoch, waiting }, 'waiting for what processes owe'),
  )
  if (silent.length > 0) {
    logger.error(
      { epoch, silent },
      'these processes did not report: bursar verify finds what they owe',
    )
  }
  await fill(parts, epoch, claim)
  return { epoch, silent }
}

/** Everything before it opens: windows, then what is held and owed in them, then the ends of requests. */
async function fill(
  { redis, prefix, ledger, shelf, logger, holdTtlMs }: ReopenParts,
  epoch: number,
  claim: Reopener & { readonly token: string },
): Promise<void> {
  const restorer = createRestorer({ redis, prefix, move: claim.token, epoch })
  const policy = await newestPolicy(ledger)
  const nowMs = await serverNow(redis)
  const parts = { ledger, restorer, policy, nowMs }
  const windows = await fillWindows(parts)
  const owed = await reportsOf(ledger, epoch)
  await adoptOwed({ ledger, holdTtlMs, adopt: (page) => claim.adopt(epoch, page) }, owed)
  const leases = await leaseHolds(ledger)
  if (leases.length > 0) await claim.adopt(epoch, leases)
  const jobs = await fillJobs(parts)
  if (policy) await shelf.publish(policy)
  await publishTiers(shelf.tiers, (version, limit) => tiersAfter(ledger, version, limit))
  await restorer.open()
  const counts = { windows, owed: owed.length, leases: leases.length, jobs }
  logger.warn({ epoch, ...counts }, 'the slot is open again')
}

async function newestPolicy(ledger: Ledger): Promise<Policy | null> {
  const newest = await readPolicy(ledger)
  return newest ? policyFromJson(newest.body, newest.version) : null
}

const Time = z.tuple([z.coerce.number(), z.coerce.number()])

async function serverNow(redis: Redis): Promise<number> {
  const [seconds, micros] = Time.parse(await askNow(redis, 'time', []))
  return seconds * 1_000 + Math.floor(micros / 1_000)
}
