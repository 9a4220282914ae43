import { z } from 'zod'
import { parsePolicy } from '../../config/policy.ts'
import type { Policy } from '../../config/policy-types.ts'
import { BursarError, isBursarError } from '../../errors.ts'
import { type RegisteredPolicy, readPolicy } from '../../ledger/policies.ts'
import { createPriceBook } from '../../pricing/price-book.ts'
import { preparePolicy } from '../../queue/prepare-policy.ts'
import type { AdminPlace } from '../command.ts'

/** The text of a bursar.yaml. */
export const YamlSchema = z
  .string()
  .min(1, 'send the text of a bursar.yaml')
  .max(1024 * 1024, 'a policy has 1 MiB at most')

export const VersionSchema = z
  .int()
  .min(1)
  .max(2 ** 31 - 1)

/** @throws {BursarError} INVALID_POLICY naming each mistake with its line; INVALID_OPTIONS. */
export const readYaml = (yaml: string, { policies }: Pick<AdminPlace, 'policies'>): Policy =>
  preparePolicy(parsePolicy(yaml, { env: policies.env, prices: createPriceBook }), policies.options)

/** As `readYaml`, for an order: what is wrong with the text is the caller's mistake. @throws {BursarError} INVALID_ARGUMENT. */
export function givenPolicy(yaml: string, place: Pick<AdminPlace, 'policies'>): Policy {
  try {
    return readYaml(yaml, place)
  } catch (cause) {
    if (!isBursarError(cause, 'INVALID_POLICY')) throw cause
    throw new BursarError('INVALID_ARGUMENT', cause.message, { cause, detail: cause.detail })
  }
}

/**
 * @param version - absent = the newest.
 * @throws {BursarError} INVALID_ARGUMENT when there is none of that version, POLICY_MISSING when there is none at all;
 * LEDGER_UNAVAILABLE.
 */
export async function registeredPolicy(
  place: Pick<AdminPlace, 'ledger'>,
  version?: number,
): Promise<RegisteredPolicy> {
  const found = await readPolicy(await place.ledger(), version)
  if (found) return found
  if (version !== undefined) {
    throw new BursarError(
      'INVALID_ARGUMENT',
      `no policy ever had the version ${version}: bursar policy show tells the newest`,
      { detail: { version } },
    )
  }
  throw new BursarError(
    'POLICY_MISSING',
    'no policy was ever in force here: start Bursar with a bursar.yaml first (npx bursar start)',
  )
}
