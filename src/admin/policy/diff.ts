import { z } from 'zod'
import { policyFromJson, policyToJson } from '../../config/policy-json.ts'
import type { Policy } from '../../config/policy-types.ts'
import type { AdminCommand, AdminPlace } from '../command.ts'
import { differenceOf, PolicyChangeSchema } from './difference.ts'
import { OverSchema, overAtOnce } from './over-at-once.ts'
import { givenPolicy, registeredPolicy, VersionSchema, YamlSchema } from './read-policy.ts'
import { TouchedSchema, touchedBy } from './touched.ts'

const DiffSchema = z
  .strictObject({
    /** What would be in force. */
    yaml: YamlSchema.optional(),
    /** Or an earlier version of it. */
    to: VersionSchema.optional(),
    /** Absent = the version in force. */
    from: VersionSchema.optional(),
  })
  .refine(({ yaml, to }) => (yaml === undefined) !== (to === undefined), {
    path: ['yaml'],
    error: 'send either the text of a bursar.yaml or the version to compare with',
  })

export const DifferenceSchema = z.object({
  /** The version that is compared with. */
  from: z.int(),
  changes: z.array(PolicyChangeSchema),
  touches: TouchedSchema,
})
export type PolicyDifference = Readonly<z.infer<typeof DifferenceSchema>>

const ForeseenSchema = DifferenceSchema.extend({
  /** Windows that would hold more than they may, at once; null = the slot could not be asked. */
  over: OverSchema.nullable(),
})
export type ForeseenPolicy = Readonly<z.infer<typeof ForeseenSchema>>

/** What a policy would change, and whom that concerns. Throws INVALID_ARGUMENT, POLICY_MISSING. */
export const policyDiff: AdminCommand<z.infer<typeof DiffSchema>, ForeseenPolicy> = {
  name: 'policy-diff',
  role: 'admin',
  summary:
    'What a policy would change, which budgets, tiers and tenants that concerns, and which windows it would leave over their limit.',
  changes: false,
  input: DiffSchema,
  output: ForeseenSchema,
  async run(place, { yaml, to, from }) {
    const after = yaml === undefined ? await stored(place, to) : givenPolicy(yaml, place)
    const difference = await differenceFrom(place, from, policyToJson(after))
    if (difference.touches.budgets.length === 0) return { ...difference, over: NOTHING }
    const before = await stored(place, difference.from)
    return { ...difference, over: await overAtOnce(place, { before, after }) }
  },
}

const NOTHING = { windows: [], total: 0 }

async function stored(place: AdminPlace, version: number | undefined): Promise<Policy> {
  const { version: number, body } = await registeredPolicy(place, version)
  return policyFromJson(body, number)
}

/** @param version - absent = the one in force. */
export async function differenceFrom(
  place: AdminPlace,
  version: number | undefined,
  after: ReturnType<typeof policyToJson>,
): Promise<PolicyDifference> {
  const from = await registeredPolicy(place, version)
  // Through JSON and its schema, both: what one leaves out is no difference.
  const [before, then] = [from.body, JSON.parse(JSON.stringify(after))].map((body) =>
    policyToJson(policyFromJson(body, from.version)),
  )
  if (!before || !then) throw new RangeError('two policies in, two policies out')
  const changes = differenceOf(before, then)
  return { from: from.version, changes, touches: touchedBy(changes, before, then) }
}
