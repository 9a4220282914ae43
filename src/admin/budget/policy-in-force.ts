import { policyFromJson } from '../../config/policy-json.ts'
import type { Policy } from '../../config/policy-types.ts'
import { BursarError } from '../../errors.ts'
import { readPolicy } from '../../ledger/policies.ts'
import type { AdminPlace } from '../command.ts'

/**
 * The newest policy that the ledger has: keys of providers are not in it.
 * @throws {BursarError} POLICY_MISSING while nobody has started with one; LEDGER_UNAVAILABLE.
 */
export async function policyInForce(place: Pick<AdminPlace, 'ledger'>): Promise<Policy> {
  const newest = await readPolicy(await place.ledger())
  if (newest) return policyFromJson(newest.body, newest.version)
  throw new BursarError(
    'POLICY_MISSING',
    'no policy was ever in force here: start Bursar with a bursar.yaml first (npx bursar start)',
  )
}
