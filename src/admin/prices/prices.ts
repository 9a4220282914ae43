import { z } from 'zod'
import { modelTarget } from '../../config/model-target.ts'
import { BursarError } from '../../errors.ts'
import {
  insertSnapshot,
  listSnapshots,
  readTimeline,
  type SnapshotNote,
} from '../../ledger/price-snapshots.ts'
import { createPriceBook } from '../../pricing/price-book.ts'
import { policyInForce } from '../budget/policy-in-force.ts'
import type { AdminCommand, AdminPlace, Watch } from '../command.ts'
import { PROPOSAL_STEPS, propose } from './diff-lists.ts'
import {
  DiffSchema,
  ListInput,
  type PricesDiff,
  SnapshotSchema,
  type SnapshotView,
  StepsSchema,
} from './schemas.ts'

const atMs = z.int().min(0)

const ListedSchema = z.object({ lists: z.array(SnapshotSchema).readonly() })
export type PricesView = Readonly<z.infer<typeof ListedSchema>>

const ShownSchema = z.object({
  ...{ model: z.string(), provider: z.string() },
  /** ISO 8601. */
  at: z.string(),
  /** What prices of that instant go by. */
  version: z.string(),
  /** null = nobody knows it: its calls are refused. */
  steps: StepsSchema.nullable(),
  discountPercent: z.number().nullable(),
})
export type PriceView = Readonly<z.infer<typeof ShownSchema>>

const ImportedSchema = z.object({
  /** null = it has nothing new: nothing was imported. */
  imported: SnapshotSchema.nullable(),
  diff: DiffSchema,
})
export type ImportedView = Readonly<z.infer<typeof ImportedSchema>>

const ShowInput = z.strictObject({
  model: z.string().min(1).max(200),
  provider: z.string().min(1).max(100).exactOptional(),
  atMs: atMs.exactOptional(),
})
const DiffInput = z.strictObject({ from: ListInput, effectiveFromMs: atMs.exactOptional() })
const ImportInput = DiffInput.extend({
  /** Whether prices of models that are called may change. */
  yes: z.boolean().default(false),
})

/** Price lists that were imported, the newest first. Throws LEDGER_UNAVAILABLE. */
export const pricesList: AdminCommand<Readonly<Record<string, never>>, PricesView> = {
  name: 'prices-list',
  summary: 'Price lists that were imported, and which one is in force.',
  role: 'viewer',
  input: z.strictObject({}),
  output: ListedSchema,
  async run(place) {
    const notes = await listSnapshots(await place.ledger())
    const held = heldNumber(notes, Date.now())
    return { lists: notes.map((note) => snapshotView(note, held)) }
  },
}

/** What a model costs at an instant. Throws POLICY_MISSING, LEDGER_UNAVAILABLE. */
export const pricesShow: AdminCommand<z.infer<typeof ShowInput>, PriceView> = {
  name: 'prices-show',
  summary: 'What a model costs at an instant, and by which price list.',
  role: 'viewer',
  input: ShowInput,
  output: ShownSchema,
  async run(place, { model, provider: named = '', atMs: at = Date.now() }) {
    const policy = await policyInForce(place)
    const book = createPriceBook(policy, await readTimeline(await place.ledger(), at))
    const isProvider = (name: string): boolean => Object.hasOwn(policy.providers, name)
    const { provider, upstreamModel } = modelTarget(model, named, isProvider)
    const price = book.price(upstreamModel, provider, at)
    return {
      ...{ model: upstreamModel, provider, at: iso(at), version: book.versionAt(at) },
      ...{ steps: price?.steps ?? null, discountPercent: price?.discountPercent ?? null },
    }
  },
}

/** What a price list would change. Throws INVALID_FILE, POLICY_MISSING, LEDGER_UNAVAILABLE. */
export const pricesDiff: AdminCommand<z.infer<typeof DiffInput>, PricesDiff> = {
  name: 'prices-diff',
  summary: 'What a price list would change, and which of it is in use.',
  role: 'viewer',
  input: DiffInput,
  output: DiffSchema,
  async run(place, { from, effectiveFromMs }) {
    const nowMs = Date.now()
    const wanted = { from, effectiveFromMs: effectiveFromMs ?? nowMs, nowMs }
    return (await propose(place, wanted)).diff
  },
}

/**
 * Gives a price list the next number. Every process prices by it within seconds of its date. Throws
 * PRICES_IN_USE when it changes what models cost that are called, and nobody said yes; INVALID_FILE, POLICY_MISSING,
 * LEDGER_UNAVAILABLE.
 */
export const pricesImport: AdminCommand<z.infer<typeof ImportInput>, ImportedView> = {
  name: 'prices-import',
  summary: 'Import a price list: it holds from its date on.',
  role: 'finance',
  barFrom: 1,
  input: ImportInput,
  output: ImportedSchema,
  run: importList,
}

/** As the schedule does it: from now on, and never over a price in use. @param list - JSON, as it came. */
export const importPrices = (
  place: Pick<AdminPlace, 'ledger'>,
  { list, source }: { readonly list: unknown; readonly source: string },
): Promise<ImportedView> =>
  importList({ ...place, by: 'schedule' }, ImportInput.parse({ from: { list, source } }))

/** After the comparison it is written down. */
const IMPORT_STEPS = PROPOSAL_STEPS + 1

async function importList(
  place: Pick<AdminPlace, 'ledger' | 'by'>,
  { from, effectiveFromMs, yes }: z.infer<typeof ImportInput>,
  watch: Watch = () => {},
): Promise<ImportedView> {
  const nowMs = Date.now()
  const atMs = effectiveFromMs ?? nowMs
  let step = 0
  const onStep = (text: string) => watch(step++, IMPORT_STEPS, text)
  const wanted = { from, effectiveFromMs: atMs, nowMs }
  const { ledger, catalogue, source, bundled, diff } = await propose(place, wanted, onStep)
  if (diff.changes.length === 0) return { imported: null, diff }
  if (diff.inUse.length > 0 && !yes) throw inUse(diff)
  onStep('writing it down')
  const by = place.by ?? 'operator'
  const snapshot = { catalogue, source, effectiveFromMs: atMs, by, atMs: nowMs }
  const number = await insertSnapshot(ledger, snapshot, bundled)
  const notes = await listSnapshots(ledger)
  const note = notes.find((one) => one.number === number)
  onStep('in force from its date on')
  return { imported: note ? snapshotView(note, heldNumber(notes, nowMs)) : null, diff }
}

const iso = (ms: number): string => new Date(ms).toISOString()

/** The number that holds at an instant; 0 = none. */
function heldNumber(notes: readonly SnapshotNote[], atMs: number): number {
  const begun = notes.filter(({ effectiveFromMs }) => effectiveFromMs <= atMs)
  const [held] = begun.toSorted(
    (a, b) => b.effectiveFromMs - a.effectiveFromMs || b.number - a.number,
  )
  return held?.number ?? 0
}

const snapshotView = (
  { effectiveFromMs, importedAtMs, ...note }: SnapshotNote,
  held: number,
): SnapshotView => ({
  ...note,
  ...{ effectiveFrom: iso(effectiveFromMs), importedAt: iso(importedAtMs) },
  inForce: note.number === held,
})

function inUse({ inUse: changes }: PricesDiff): BursarError {
  const names = changes.map(({ provider, model }) => `${provider}/${model}`)
  return new BursarError(
    'PRICES_IN_USE',
    `this changes what is paid for ${names.slice(0, 10).join(', ')}, which ${names.length === 1 ? 'was' : 'were'} called in the last 30 days: look at bursar prices diff, and import again with --yes`,
    { detail: { models: names } },
  )
}
