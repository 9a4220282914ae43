import type { Ledger } from '../../ledger/ledger.ts'
import { readTimeline } from '../../ledger/price-snapshots.ts'
import { CATALOGUE_VERSION } from '../../pricing/catalogue.ts'
import { comparePriceLists } from '../../pricing/compare-lists.ts'
import { isOwnList, overlayPrices } from '../../pricing/own-list.ts'
import { bundledCatalogue, type Catalogue, readCatalogue } from '../../pricing/snapshot.ts'
import { timelineAt } from '../../pricing/timeline.ts'
import { policyInForce } from '../budget/policy-in-force.ts'
import type { AdminPlace } from '../command.ts'
import { judgeLadders } from './judge-ladders.ts'
import { changesInUse } from './judge-list.ts'
import type { ListInput, PricesDiff } from './schemas.ts'

const MOST_NAMED = 1_000

/** A price list that may be imported, and what it would change. */
export interface Proposed {
  readonly ledger: Ledger
  readonly catalogue: Catalogue
  readonly source: string
  readonly bundled: Pick<Proposed, 'catalogue' | 'source'>
  readonly diff: PricesDiff
}

export interface Wanted {
  readonly from: ListInput
  readonly effectiveFromMs: number
  readonly nowMs: number
}

/** Steps of a comparison, of which `onStep` is told before each. */
export const PROPOSAL_STEPS = 4

/**
 * Reads a price list and compares it with the one that holds when it comes into force.
 * @param onStep - told what is done next.
 * @throws {BursarError} INVALID_FILE, POLICY_MISSING, LEDGER_UNAVAILABLE.
 */
export async function propose(
  place: Pick<AdminPlace, 'ledger'>,
  { from: wanted, effectiveFromMs, nowMs }: Wanted,
  onStep: (text: string) => void = () => {},
): Promise<Proposed> {
  onStep('reading the lists in force')
  const ledger = await place.ledger()
  const timeline = await readTimeline(ledger, Math.min(nowMs, effectiveFromMs))
  const bundled = {
    catalogue: await bundledCatalogue(),
    source: `genai-prices@${CATALOGUE_VERSION}`,
  }
  const held = timelineAt(timeline, effectiveFromMs).snapshot
  const base = held?.catalogue ?? bundled.catalogue
  onStep('comparing the models')
  const { catalogue, source } = 'bundled' in wanted ? bundled : readList(wanted, base)
  const changes = comparePriceLists(base, catalogue)
  onStep('trying the ladders of the policy')
  const policy = await policyInForce(place)
  const next = { catalogue, effectiveFromMs }
  judgeLadders(policy, next)
  onStep('looking for models that are called')
  const inUse = await changesInUse(ledger, policy, timeline, next, nowMs)
  const of = (kind: string) => changes.filter(({ change }) => change === kind).length
  const diff = {
    against: held?.number ?? 0,
    ...{ added: of('added'), removed: of('removed'), changed: of('changed') },
    ...{ changes: changes.slice(0, MOST_NAMED), inUse },
  }
  return { ledger, catalogue, source, bundled, diff }
}

function readList(
  { list, source }: Extract<ListInput, { list: unknown }>,
  base: Catalogue,
): Pick<Proposed, 'catalogue' | 'source'> {
  const catalogue = isOwnList(list) ? overlayPrices(base, list) : readCatalogue(list)
  return { catalogue, source }
}
