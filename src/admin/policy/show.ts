import { z } from 'zod'
import { POLICY_ORIGINS } from '../../ledger/schema.ts'
import type { AdminCommand } from '../command.ts'
import { registeredPolicy, VersionSchema } from './read-policy.ts'

const ShowSchema = z.strictObject({
  /** Absent = the one in force. */
  version: VersionSchema.optional(),
})
const ShownSchema = z.object({
  version: z.int(),
  /** `file` = a process read it, `applied` = an operator sent it. */
  origin: z.enum(POLICY_ORIGINS),
  /** ISO 8601. */
  since: z.string(),
  /** As Bursar understands it, defaults filled in; never a key. */
  policy: z.record(z.string(), z.unknown()),
})
export type ShownPolicy = Readonly<z.infer<typeof ShownSchema>>

/** The policy in force, or an earlier one. Throws POLICY_MISSING. */
export const policyShow: AdminCommand<z.infer<typeof ShowSchema>, ShownPolicy> = {
  name: 'policy-show',
  role: 'viewer',
  summary: 'The policy in force, or an earlier version of it; never a key of a provider.',
  input: ShowSchema,
  output: ShownSchema,
  async run(place, wanted) {
    const { version, origin, createdAtMs, body } = await registeredPolicy(place, wanted.version)
    const policy = ShownSchema.shape.policy.parse(body)
    return { version, origin, since: new Date(createdAtMs).toISOString(), policy }
  },
}
