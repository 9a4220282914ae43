import { z } from 'zod'
import { policyToJson } from '../../config/policy-json.ts'
import { BursarError } from '../../errors.ts'
import { registerPolicy } from '../../ledger/policies.ts'
import type { AdminCommand, AdminPlace } from '../command.ts'
import { DifferenceSchema, differenceFrom } from './diff.ts'
import { givenPolicy, VersionSchema, YamlSchema } from './read-policy.ts'

const ApplySchema = z.strictObject({
  yaml: YamlSchema,
  /** The version that was compared with: another one in force by now is left alone. Absent = whichever it is. */
  after: VersionSchema.optional(),
  reason: z.string().trim().min(1, 'say why: it stays on record').max(500),
})
const AppliedSchema = DifferenceSchema.extend({
  /** The version in force now; the one before when nothing is different. */
  version: z.int(),
})
export type AppliedPolicy = Readonly<z.infer<typeof AppliedSchema>>

/**
 * Puts a policy in force in every process, within seconds. It stays until a file has another text than the one that it
 * was applied over. Throws INVALID_ARGUMENT, POLICY_CHANGED, POLICY_MISSING, STORE_UNAVAILABLE.
 */
export const policyApply: AdminCommand<z.infer<typeof ApplySchema>, AppliedPolicy> = {
  name: 'policy-apply',
  role: 'admin',
  summary: 'Puts a policy in force in every process, until a policy file is changed.',
  input: ApplySchema,
  output: AppliedSchema,
  async run(place, { yaml, after }) {
    const policy = givenPolicy(yaml, place)
    const body = policyToJson(policy)
    const difference = await differenceFrom(place, after, body)
    const source = { origin: 'applied', after } as const
    const { version } = await registerPolicy(await place.ledger(), body, source)
    await publish(place, { ...policy, version })
    return { version, ...difference }
  },
}

type Applied = Parameters<AdminPlace['policies']['publish']>[0]

async function publish({ policies }: AdminPlace, policy: Applied): Promise<void> {
  try {
    await policies.publish(policy)
  } catch (cause) {
    if (!(cause instanceof BursarError) || !cause.retryable) throw cause
    throw new BursarError(
      cause.code,
      `version ${policy.version} is on record, and the processes could not be told: apply it again as soon as Redis answers (${cause.message})`,
      { cause, retryable: true, detail: { version: policy.version } },
    )
  }
}
