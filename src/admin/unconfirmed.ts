import { z } from 'zod'
import type { SettleCommand, SettleReply } from '../admission/commands.ts'
import type { SettleDetail } from '../admission/outbox.ts'
import { BursarError } from '../errors.ts'
import { getEntry } from '../ledger/queries/get-entry.ts'
import { type Entry, listEntries } from '../ledger/queries/list-entries.ts'
import { unconfirmedTotal } from '../ledger/queries/unconfirmed-total.ts'
import { MAX_NANO, type Nano } from '../money/nano.ts'
import { formatUsd } from '../money/usd.ts'
import type { AdminCommand, AdminPlace } from './command.ts'

const nano = z.int().min(0)
const textOrNull = z.string().nullable()

/** An attempt whose outcome nobody knows: it counts at its whole hold. */
const UnconfirmedSchema = z.object({
  attempt: z.string(),
  job: z.string(),
  ...{ tenant: textOrNull, user: textOrNull, model: textOrNull },
  /** ISO 8601. */
  admittedAt: z.string(),
  /** What is booked, and a lower estimate where there is one, nano-USD. */
  ...{ bookedNano: nano, noteNano: nano.nullable() },
  reason: textOrNull,
})
const ListSchema = z.object({
  /** Newest first. */
  attempts: z.array(UnconfirmedSchema).readonly(),
  total: z.object({ attempts: z.int().min(0), bookedNano: nano }).readonly(),
})
export type UnconfirmedList = Readonly<z.infer<typeof ListSchema>>

const SettledSchema = z.object({
  attempt: z.string(),
  /** Booked before and now, nano-USD. */
  ...{ beforeNano: nano, bookedNano: nano },
  /** What of it is above the hold. */
  overrunNano: nano,
})
export type SettledView = Readonly<z.infer<typeof SettledSchema>>

const DAY_MS = 86_400_000
const attempt = z.string().trim().min(1).max(512)
const reason = z.string().trim().min(1).max(500)

const ListInput = z.strictObject({
  /** Only those admitted at least this long ago. */
  olderMs: z
    .int()
    .min(0)
    .max(3_650 * DAY_MS)
    .default(0),
  limit: z.int().min(0).max(1_000).default(50),
})
const ConfirmInput = z.strictObject({
  attempt,
  costNano: nano.max(MAX_NANO),
  reason: reason.default('confirmed from the invoice'),
})
const WaiveInput = z.strictObject({ attempt, reason })

/** Money that counts though nobody knows whether it was billed. */
export const unconfirmedList: AdminCommand<z.infer<typeof ListInput>, UnconfirmedList> = {
  name: 'unconfirmed-list',
  role: 'viewer',
  summary: 'Calls whose cost nobody knows, booked at their whole hold.',
  input: ListInput,
  output: ListSchema,
  async run(place, { olderMs, limit }) {
    const ledger = await place.ledger()
    const toMs = Date.now() - olderMs + 1
    const filter = { status: 'unconfirmed', toMs } as const
    const { entries } = limit === 0 ? { entries: [] } : await listEntries(ledger, filter, { limit })
    return { attempts: entries.map(view), total: await unconfirmedTotal(ledger, toMs) }
  },
}

/** Books what an attempt really cost. Throws UNKNOWN_ATTEMPT, ATTEMPT_SETTLED, SLOT_CLOSED. */
export const unconfirmedConfirm: AdminCommand<z.infer<typeof ConfirmInput>, SettledView> = {
  name: 'unconfirmed-confirm',
  role: 'finance',
  summary: 'Puts on record what such a call cost.',
  input: ConfirmInput,
  output: SettledSchema,
  run: (place, wanted) => settleKnown(place, wanted),
}

/** Books an attempt at nothing: it was never billed. Throws like the confirmation. */
export const unconfirmedWaive: AdminCommand<z.infer<typeof WaiveInput>, SettledView> = {
  name: 'unconfirmed-waive',
  role: 'finance',
  summary: 'Puts on record that such a call cost nothing.',
  input: WaiveInput,
  output: SettledSchema,
  run: (place, wanted) => settleKnown(place, { ...wanted, costNano: 0 }),
}

interface Known {
  readonly attempt: string
  readonly costNano: Nano
  readonly reason: string
}

/**
 * In the slot: counters, outbox and ledger follow as for any settlement. One that the slot has forgotten, for its age or
 * because Redis lost its data, is made a record again from the ledger's entry.
 */
async function settleKnown(place: AdminPlace, known: Known): Promise<SettledView> {
  const entry = await getEntry(await place.ledger(), known.attempt)
  if (!entry) throw unknown(known.attempt)
  if (entry.status !== 'unconfirmed') throw settled(entry.attempt, entry.costNano)
  const store = await place.repair()
  const command = commandOf(entry, known, place.by ?? 'operator')
  const adopted = await store.adopt({ ...command, ...recordOf(entry) })
  if (adopted.outcome === 'adopted') {
    const { bookedNano, overrunNano } = adopted
    return { attempt: entry.attempt, beforeNano: entry.costNano, bookedNano, overrunNano }
  }
  return judge(await store.settle(command), entry)
}

function commandOf(entry: Entry, known: Known, by: string): SettleCommand {
  const { attempt: id, job, admittedAtMs: atMs, holdNano, windows } = entry
  return {
    ...{ attempt: id, job, atMs, holdNano, windows, costNano: known.costNano },
    kind: 'settled',
    tokens: null,
    // The ledger has it from the hold.
    meta: '',
    detail: JSON.stringify(detailOf(entry, known, by)),
    conclusion: null,
    cache: null,
    gate: null,
  }
}

const recordOf = ({ costNano: bookedNano, epoch, rev, rung, cap: capTokens, n }: Entry) =>
  ({
    ledger: { state: 'U', bookedNano, epoch, rev },
    as: 'settled',
    ttlMs: 0,
    ...{ rung, capTokens, n },
  }) as const

function judge(reply: SettleReply, { attempt: id, costNano }: Entry): SettledView {
  switch (reply.outcome) {
    case 'adjusted':
      return {
        attempt: id,
        beforeNano: costNano,
        bookedNano: reply.bookedNano,
        overrunNano: reply.overrunNano,
      }
    case 'settled':
    case 'unchanged':
      throw settled(id, reply.bookedNano)
    case 'orphan':
      throw doubled(id, reply.bookedNano)
    default:
      throw new BursarError(
        'SLOT_CLOSED',
        'the slot is missing or closed, so nothing can be booked: bursar doctor says why',
        { retryable: true },
      )
  }
}

/** What is on record of who said so; usage stays unknown. */
const detailOf = (entry: Entry, { costNano, reason: why }: Known, by: string): SettleDetail => ({
  seen: entry.seen ?? 'unknown',
  reason: `${costNano === 0 ? 'waived' : 'confirmed'} by ${by}: ${why}`,
  status: entry.httpStatus,
  usage: null,
  listNano: costNano,
  servedModel: entry.servedModel,
  serviceTier: entry.serviceTier,
  providerRequestId: entry.providerRequestId,
  estimated: false,
  noteNano: entry.noteNano,
  startedAtMs: entry.startedAtMs ?? entry.admittedAtMs,
  endedAtMs: entry.endedAtMs ?? entry.postedAtMs,
})

const view = (entry: Entry): UnconfirmedList['attempts'][number] => ({
  ...{ attempt: entry.attempt, job: entry.job, tenant: entry.tenant, user: entry.userId },
  ...{ model: entry.model, noteNano: entry.noteNano, reason: entry.reason },
  admittedAt: new Date(entry.admittedAtMs).toISOString(),
  bookedNano: entry.costNano,
})

const unknown = (id: string): BursarError =>
  new BursarError(
    'UNKNOWN_ATTEMPT',
    `the ledger has no attempt ${id}: bursar unconfirmed list shows those that wait`,
    { detail: { attempt: id } },
  )

const settled = (id: string, bookedNano: Nano): BursarError =>
  new BursarError(
    'ATTEMPT_SETTLED',
    `attempt ${id} is settled at ${formatUsd(bookedNano)} USD: nothing was changed`,
    { detail: { attempt: id, bookedNano } },
  )

const doubled = (id: string, bookedNano: Nano): BursarError =>
  new BursarError(
    'LEDGER_CONFLICT',
    `the slot had lost attempt ${id}, so that ${formatUsd(bookedNano)} USD was booked beside what the ledger has: Redis lost data; run bursar verify`,
    { detail: { attempt: id, bookedNano } },
  )
